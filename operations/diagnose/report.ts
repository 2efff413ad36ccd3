import { isUnreachable } from "../visit/connect.ts";
import type { Diagnosis } from "./diagnose.ts";
import type { RouteEvidence } from "./route/evidence.ts";

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function routeLine({ address, wire, proof, token, tokenWithheld }: RouteEvidence): string {
  const answers = [wire.healthz, wire.readyz, wire.upgrade].map((answer) => answer?.kind ?? "not reached").join("/");
  const tls = wire.tls === null ? "" : `, certificate until ${wire.tls.notAfter?.slice(0, 10) ?? "?"}`;
  return `${address.url} (${address.source}) at ${wire.address ?? wire.dnsFailure ?? wire.connectFailure ?? "?"}${tls}: ${answers}, ${proof}; Authorization ${token?.kind ?? `not sent: ${tokenWithheld ?? "?"}`}; browsers: ${address.secureContext ? "" : "no "}secure context`;
}

/** What was found in each step of the runbook, one line each. */
function steps({ frozen, seen }: Diagnosis): string[] {
  const { node, here, client, route, expected } = seen;
  const first = `1 freeze: ${frozen.time}, ${frozen.operator}, generation ${expected.generation}${frozen.symptom === null ? "" : `, symptom ${JSON.stringify(frozen.symptom)} (${frozen.symptomClass})`}`;
  if (isUnreachable(node)) return [first, `2-6: the node gives no evidence: ${node.message}`];
  const { gateway } = node;
  if (gateway === null) return [first, "2-6: the gateway's user is not there"];
  const { unit, session, generation, gatewayStatus, config, models, identities, variables } = gateway;
  const track = (name: "gateway" | "provider"): string =>
    variables
      .filter((one) => one.track === name)
      .map(({ variable, masked, sources }) => `${variable} ${masked ?? "(nothing)"} ${sources.process ?? "no process"}`)
      .join("; ");
  const loose = gateway.files.filter(({ problems }) => problems.length > 0).length;
  const clientText =
    client === null ? "" : `; this client: ${client.state} in ${client.source}, ${client.answer ?? "not tried"}`;
  return [
    first,
    `2 gateway: unit ${unit?.active ?? "?"} (${unit?.sub ?? "?"}), ${unit?.restarts ?? "?"} restarts; port ${node.listener}; status ${gatewayStatus?.rpcOk === true ? "ok" : gatewayStatus?.failure || "?"}; token ${track("gateway") || "?"}, ${session.token ?? "not tried"}`,
    `3 disk: generation ${generation?.live ?? "?"}, edited: ${generation?.differences.join(", ") || "nothing"}; config ${config?.valid === true ? "valid" : config?.valid === false ? "invalid" : "?"}; ${loose} loose files; ${unit?.dropIns.length ?? "?"} drop-ins`,
    `4 provider: ${models.map(({ agent, status }) => `${agent} ${status === 0 ? "usable" : `exit ${status ?? "none"}`}`).join(", ") || "?"}; ${track("provider") || "?"}`,
    `5 identities: ${identities?.map(({ who, program, version, pinned }) => `${who} ${program} ${version ?? "?"}${pinned ? "" : " (not pinned)"}`).join(", ") ?? "?"}`,
    `6 tunnel: on the node ${session.healthz}/${session.readyz}; from here ${here === null ? "?" : `${here.tunnel}, healthz ${here.healthz}, readyz ${here.readyz}, WebSocket ${here.upgrade}`}${clientText}${route === null ? "" : `; ${routeLine(route)}`}`,
  ];
}

/** The diagnosis for people: the verdict first. */
export function diagnosisText(diagnosis: Diagnosis): string {
  const { frozen, verdict, code, confidence, evidence, firstCommand, nextStep, doNot, also, missing, seconds } =
    diagnosis;
  return [
    `${frozen.gateway} on ${frozen.node}: ${verdict}${code === verdict ? "" : ` [${code}]`}, confidence ${confidence} (${seconds.toFixed(1)} s)`,
    ...section("evidence", evidence),
    ...section("first command", firstCommand === null ? [] : [firstCommand]),
    ...section("next step", nextStep === null ? [] : [nextStep]),
    ...section("do not", doNot),
    ...section(
      "also seen",
      also.map(({ layer, code: other, evidence: lines }) => `${layer} [${other}]: ${lines.join("; ")}`),
    ),
    ...section("not known", missing),
    ...section("runbook", steps(diagnosis)),
  ].join("\n");
}
