import { accessPhase } from "./access/index.ts";
import { accountPhase } from "./account/index.ts";
import { agentPhase } from "./agent/index.ts";
import { gatewayPhase, settle } from "./gateway/index.ts";
import { audit, AUDIT_SECONDS, auditCommands, checkAudit } from "./audit/index.ts";
import { checkDiagnose, diagnose, DIAGNOSE_SECONDS, diagnoseCommands } from "./diagnose/index.ts";
import { checkDrift, drift, DRIFT_SECONDS, driftCommands, repairNode } from "./drift/index.ts";
import type { Program } from "./cli.ts";
import { checkMetrics, collectMetrics, METRICS_SECONDS, metricsCommands, nodeMetrics } from "./metrics/index.ts";
import { runtimePhase } from "./runtime/index.ts";
import {
  checkConfirm,
  checkRollback,
  checkSubject,
  confirmRollback,
  lookForPoints,
  rollBack,
  ROLLBACK_SECONDS,
  rollbackCommands,
} from "./rollback/index.ts";
import { verifyPhase } from "./verify/index.ts";
import { checkWay, lookAtWay, WAY_SECONDS, wayCommands } from "./way/index.ts";

/** Everything this program can do. */
export const program: Program = {
  phases: {
    runtime: runtimePhase,
    account: accountPhase,
    access: accessPhase,
    agent: agentPhase,
    gateway: gatewayPhase,
    verify: verifyPhase,
  },
  visits: {
    diagnose: {
      watchdogSeconds: DIAGNOSE_SECONDS,
      run: (payload, context) => diagnose(checkDiagnose(payload, "payload"), context),
      userCommands: diagnoseCommands,
    },
    way: {
      watchdogSeconds: WAY_SECONDS,
      run: (payload, context) => lookAtWay(checkWay(payload, "payload"), context),
      userCommands: wayCommands,
    },
    audit: {
      watchdogSeconds: AUDIT_SECONDS,
      run: (payload, context) => audit(checkAudit(payload, "payload"), context),
      userCommands: auditCommands,
    },
    drift: {
      watchdogSeconds: DRIFT_SECONDS.drift,
      run: (payload, context) => drift(checkDrift(payload, "payload"), context),
      userCommands: driftCommands,
    },
    repair: {
      watchdogSeconds: DRIFT_SECONDS.repair,
      run: (payload, context) => repairNode(checkDrift(payload, "payload"), context),
      userCommands: {},
    },
    "rollback-points": {
      watchdogSeconds: ROLLBACK_SECONDS.look,
      run: (payload, context) => lookForPoints(checkSubject(payload, "payload"), context),
      userCommands: rollbackCommands,
    },
    rollback: {
      watchdogSeconds: ROLLBACK_SECONDS.switch,
      run: (payload, context) => rollBack(checkRollback(payload, "payload"), context),
      userCommands: {},
    },
    "rollback-confirm": {
      watchdogSeconds: ROLLBACK_SECONDS.switch,
      run: (payload, context) => confirmRollback(checkConfirm(payload, "payload"), context),
      userCommands: {},
    },
    metrics: {
      watchdogSeconds: METRICS_SECONDS,
      run: (payload, context) => nodeMetrics(checkMetrics(payload, "payload"), context),
      userCommands: metricsCommands,
    },
  },
  settle,
  collectMetrics,
};
