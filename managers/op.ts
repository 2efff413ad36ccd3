import { formatSecretRef, type OperatorRef } from "../spec/index.ts";
import { runTool, textOf, type Tool } from "./command.ts";
import type { ReadContext, Reading } from "./failure.ts";

type OpRef = Extract<OperatorRef, { readonly scheme: "op" }>;

/** Texts of `op` 2.34 to 2.39, as its public tests have them; not run here (facts: secret-managers.md 2.2). */
const OP: Tool = {
  name: "the 1Password CLI",
  login: "`op signin`, or OP_SERVICE_ACCOUNT_TOKEN of a service account",
  variables: ["OP_*", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"],
  complaints: [
    [/not currently signed in|could not find session token|session expired|No accounts configured/i, "not signed in"],
    [/failed to DecodeSACredentials|\(401\) Unauthorized/i, "not signed in"],
    [/isn't an item in|isn't a vault in|does not have a field/i, "not found"],
    [/\(403\) Forbidden/i, "denied"],
    [
      /authorization timeout|deadline exceeded|timed out|cannot setup session|connection refused|no such host/i,
      "no answer",
    ],
    [/too few '\/'|too many '\/'/i, "not found"],
  ],
};

/** Reads a field with `op read`. Never asks: without a desktop (CI set) the app's unlock dialog is off. */
export async function readOp(ref: OpRef, context: ReadContext): Promise<Reading> {
  const { env } = context;
  const service = env["OP_SERVICE_ACCOUNT_TOKEN"] !== undefined;
  // a Connect server's variables win over a service account's, which is seldom meant
  const given = service
    ? Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("OP_CONNECT_")))
    : env;
  const unattended = env["CI"] !== undefined;
  const { stdout: value } = await runTool(
    OP,
    ["op", "read", "--no-newline", formatSecretRef(ref)],
    { ...context, env: given },
    unattended ? { OP_BIOMETRIC_UNLOCK_ENABLED: "false" } : {},
  );
  return { value: textOf(OP, value), version: null };
}
