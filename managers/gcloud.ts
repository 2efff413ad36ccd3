import { member } from "../node/lib/member.ts";
import type { OperatorRef } from "../spec/index.ts";
import { json, runTool, textOf, type Tool } from "./command.ts";
import type { ReadContext, Reading } from "./failure.ts";

type GcpRef = Extract<OperatorRef, { readonly scheme: "gcp-sm" }>;

/** Texts of gcloud 528 against a loopback server (facts: secret-managers.md 2.2). */
const GCLOUD: Tool = {
  name: "the Google Cloud CLI",
  login: "`gcloud auth login`, or a service account with `gcloud auth activate-service-account`",
  variables: ["CLOUDSDK_*", "GOOGLE_*"],
  complaints: [
    [/do not currently have an active account|UNAUTHENTICATED|reauth|invalid_grant/i, "not signed in"],
    [/NOT_FOUND/, "not found"],
    [/PERMISSION_DENIED/, "denied"],
    [/FAILED_PRECONDITION/, "unusable"],
    [/ConnectionError|UNAVAILABLE|DEADLINE_EXCEEDED|Max retries exceeded/i, "no answer"],
  ],
};

/** Reads a version with `gcloud secrets versions access`. */
export async function readGcp({ project, secret, version = "latest" }: GcpRef, context: ReadContext): Promise<Reading> {
  const { stdout: printed } = await runTool(
    GCLOUD,
    ["gcloud", `--project=${project}`, "secrets", "versions", "access", version, `--secret=${secret}`, "--format=json"],
    context,
    { CLOUDSDK_CORE_DISABLE_PROMPTS: "1" },
  );
  const answer = json(GCLOUD, printed);
  const data = textOf(GCLOUD, member(answer, "payload", "data"));
  const name = member(answer, "name");
  return {
    value: textOf(GCLOUD, Buffer.from(data, "base64").toString("utf8")),
    version: typeof name === "string" ? (name.split("/").at(-1) ?? null) : null,
  };
}
