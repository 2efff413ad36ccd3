import type { NodeEvidence, UserEvidence, VariableEvidence } from "../../node/diagnose/evidence.ts";
import { isUnreachable } from "../visit/connect.ts";
import { bootNote } from "./boot-note.ts";
import type { Diagnosis } from "./diagnose.ts";
import { originOf } from "./origin.ts";
import type { RouteEvidence } from "./route/evidence.ts";
import { serviceCommands, type ServiceCommands } from "./service-commands.ts";

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

const OR_UNKNOWN = "?";

/** One credential: name, first and last characters, state in each place, fingerprints. */
function credentialText(
  one: VariableEvidence,
  expected: Readonly<Record<string, string | null>>,
  commands: ServiceCommands,
): string {
  const { variable, masked, sources, fingerprint, carrier } = one;
  const { winner, shadowed } = originOf(one, commands);
  const wanted = expected[variable] ?? null;
  return [
    `${variable} ${masked ?? "(nothing)"}: process ${sources.process ?? "not to be seen"}, ${carrier} ${sources.environmentFile}, unit ${sources.unit}`,
    `from ${winner ?? "nowhere"}${shadowed.length === 0 ? "" : `, shadowed: ${shadowed.join(", ")}`}`,
    fingerprint === wanted
      ? `fingerprint ${fingerprint ?? "not kept"} as expected`
      : `fingerprint ${fingerprint ?? "not kept"}, expected ${wanted ?? "none"}`,
  ].join("; ");
}

function configTokenText(token: UserEvidence["configToken"]): string {
  if (token === null) return OR_UNKNOWN;
  if (token.kind === "missing") return "missing";
  return token.kind === "reference" ? token.to : `${token.masked} ${token.state}`;
}

function gatewaySteps(node: NodeEvidence, gateway: UserEvidence, { expected, client }: Diagnosis["seen"]): string[] {
  const commands = serviceCommands(node.platform, expected.startsAt);
  const { unit, session, gatewayStatus, lint, log, configToken } = gateway;
  const failures = Object.entries(log?.gatewayFailures ?? {}).map(([reason, count]) => `${reason} ${count}`);
  const issues = gatewayStatus?.auditIssues;
  return [
    `2 gateway: unit ${unit?.active ?? OR_UNKNOWN} (${unit?.sub ?? OR_UNKNOWN}) since ${unit?.startedAt ?? OR_UNKNOWN}, ${unit?.restarts ?? OR_UNKNOWN} restarts; port ${node.listener}; status ${gatewayStatus?.rpcOk === true ? "ok" : gatewayStatus?.failure || OR_UNKNOWN}; unit audit ${issues == null ? OR_UNKNOWN : issues.join(", ") || "ok"}; doctor --lint ${lint === null ? "not asked" : lint.findings.length === 0 ? "ok" : `${lint.findings.length} findings`}; refused sessions in the log: ${failures.join(", ") || "none"}`,
    ...gateway.variables
      .filter(({ track }) => track === "gateway")
      .map((one) => `  ${credentialText(one, expected.fingerprints, commands)}`),
    `  token in openclaw.json ${configTokenText(configToken)}; the gateway's answer to it: ${session.token ?? "not tried"}; this client: ${client === null ? "not looked at" : `${client.state} in ${client.source}, ${client.answer ?? "not tried"}`}`,
  ];
}

function diskStep({ generation, config, files, unit }: UserEvidence): string {
  const edits = generation?.edits.map(
    ({ what, changed, likely }) => `${what} (${changed ? "" : "rewritten without a change, "}likely ${likely})`,
  );
  const loose = files.filter(({ problems }) => problems.length > 0).length;
  const unread = files.filter(({ newerThanProcess, problems }) => newerThanProcess === true && problems.length === 0);
  const written = unread.filter(({ path }) => /\.(json|env|service)$/.test(path)).map(({ path }) => path);
  return `3 disk: generation ${generation?.live ?? OR_UNKNOWN}, edited: ${edits?.join(", ") || "nothing"}; config ${config?.valid === true ? `valid (by ${config.by})` : config?.valid === false ? "invalid" : OR_UNKNOWN}; ${loose} loose files; written after the start: ${written.join(", ") || "nothing"}; drop-ins: ${unit?.dropIns.join(", ") || "none"}`;
}

function providerSteps(
  { models, variables, ambient, log }: UserEvidence,
  { expected }: Diagnosis["seen"],
  commands: ServiceCommands,
): string[] {
  const usable = models.map(({ agent, status, unusable }) => {
    const resting = unusable.map(
      ({ reason, until }) => `, rests (${reason}${until === null ? "" : ` until ${until}`})`,
    );
    return `${agent} ${status === 0 ? "usable" : `exit ${status ?? "none"}`}${resting.join("")}`;
  });
  const refusals = Object.entries(log?.providerFailures ?? {}).map(([reason, count]) => `${reason} ${count}`);
  return [
    `4 provider: ${usable.join(", ") || OR_UNKNOWN}; keys of no agent: ${ambient.map(({ variable, where }) => `${variable} in ${where}`).join(", ") || "none"}; refusals in the log: ${refusals.join(", ") || "none"}`,
    ...models.flatMap(({ profiles }) => profiles.map((label) => `  profile ${label}`)),
    ...variables
      .filter(({ track }) => track === "provider")
      .map((one) => `  ${credentialText(one, expected.fingerprints, commands)}`),
  ];
}

function identitiesStep({ identities }: UserEvidence): string {
  const all = identities?.map(
    ({ who, program, path, version, pinned }) =>
      `${who} ${program} ${version ?? OR_UNKNOWN}${pinned ? "" : ` (not pinned: ${path})`}`,
  );
  return `5 identities: ${all?.join(", ") ?? OR_UNKNOWN}`;
}

function routeStep({ address, wire, proof, token, tokenWithheld }: RouteEvidence): string {
  const answers = [wire.healthz, wire.readyz, wire.upgrade].map((answer) => answer?.kind ?? "not reached").join("/");
  const tls = wire.tls === null ? "" : `, certificate until ${wire.tls.notAfter?.slice(0, 10) ?? OR_UNKNOWN}`;
  return `  ${address.url} (${address.source}) at ${wire.address ?? wire.dnsFailure ?? wire.connectFailure ?? OR_UNKNOWN}${tls}: ${answers}, ${proof}; Authorization ${token?.kind ?? `not sent: ${tokenWithheld ?? OR_UNKNOWN}`}; browsers: ${address.secureContext ? "" : "no "}secure context`;
}

/** What was found in each step of the runbook. */
function steps({ frozen, seen }: Diagnosis): string[] {
  const { node, here, route, expected, clockAhead } = seen;
  const first = `1 freeze: ${frozen.time}, gateway ${frozen.gateway} of ${frozen.stack}, ${frozen.agent === null ? "every agent" : `agent ${frozen.agent}`}, asked by ${frozen.operator}, generation ${expected.generation}${frozen.symptom === null ? "" : `, symptom ${JSON.stringify(frozen.symptom)} (${frozen.symptomClass})`}`;
  if (isUnreachable(node)) return [first, `2-6: the node gives no evidence: ${node.message}`];
  const { gateway } = node;
  if (gateway === null) return [first, "2-6: the gateway's user is not there"];
  const { session } = gateway;
  return [
    `${first}; the node's clock ${node.time}, ${clockAhead ?? OR_UNKNOWN} s ahead`,
    `  unattended boot: ${bootNote(node.boot)}`,
    ...gatewaySteps(node, gateway, seen),
    diskStep(gateway),
    ...providerSteps(gateway, seen, serviceCommands(node.platform, expected.startsAt)),
    identitiesStep(gateway),
    `6 tunnel: on the node ${session.healthz}/${session.readyz}; from here ${here === null ? OR_UNKNOWN : `${here.tunnel}, healthz ${here.healthz}, readyz ${here.readyz}, WebSocket ${here.upgrade}`}`,
    ...(route === null ? [] : [routeStep(route)]),
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
