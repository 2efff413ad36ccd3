import { accessPhase } from "./access/index.ts";
import { accountPhase } from "./account/index.ts";
import { agentPhase } from "./agent/index.ts";
import { gatewayPhase, settle } from "./gateway/index.ts";
import { checkDiagnose, diagnose, DIAGNOSE_SECONDS, diagnoseCommands } from "./diagnose/index.ts";
import type { Program } from "./cli.ts";
import { runtimePhase } from "./runtime/index.ts";
import { verifyPhase } from "./verify/index.ts";

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
  diagnose: {
    watchdogSeconds: DIAGNOSE_SECONDS,
    look: (payload, context) => diagnose(checkDiagnose(payload, "payload"), context),
    userCommands: diagnoseCommands,
  },
  settle,
};
