import type { AuditPayload, ObservedNode } from "./audit/observed.ts";
import type { DiagnosePayload, NodeEvidence } from "./diagnose/evidence.ts";
import type { DriftPayload, NodeDrift, NodeRepair } from "./drift/deviation.ts";
import type { MetricsPayload, NodeMetrics } from "./metrics/index.ts";
import type { VerifyResult } from "./protocol.ts";
import type { ConfirmPayload, RollbackPayload, RollbackPoints, RollbackSubject, RolledBack } from "./rollback/point.ts";
import type { WayEvidence, WayPayload } from "./way/evidence.ts";

/** What the visits of `VISITS` are sent and what comes back. */
export interface VisitTypes {
  readonly diagnose: { readonly payload: DiagnosePayload; readonly result: NodeEvidence };
  readonly way: { readonly payload: WayPayload; readonly result: WayEvidence };
  readonly audit: { readonly payload: AuditPayload; readonly result: ObservedNode };
  readonly drift: { readonly payload: DriftPayload; readonly result: NodeDrift };
  readonly repair: { readonly payload: DriftPayload; readonly result: NodeRepair };
  readonly "rollback-points": { readonly payload: RollbackSubject; readonly result: RollbackPoints };
  readonly rollback: { readonly payload: RollbackPayload; readonly result: RolledBack };
  readonly "rollback-confirm": { readonly payload: ConfirmPayload; readonly result: VerifyResult };
  readonly metrics: { readonly payload: MetricsPayload; readonly result: NodeMetrics };
}
