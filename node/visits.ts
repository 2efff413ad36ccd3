import type { DiagnosePayload, NodeEvidence } from "./diagnose/evidence.ts";
import type { DriftPayload, NodeDrift, NodeRepair } from "./drift/deviation.ts";

/** What the visits of `VISITS` are sent and what comes back. */
export interface VisitTypes {
  readonly diagnose: { readonly payload: DiagnosePayload; readonly result: NodeEvidence };
  readonly drift: { readonly payload: DriftPayload; readonly result: NodeDrift };
  readonly repair: { readonly payload: DriftPayload; readonly result: NodeRepair };
}
