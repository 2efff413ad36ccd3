import { OperationError } from "./error.ts";
import type { PlannedChange } from "./events.ts";
import type { GatewayOutputs, LedgerLine, StackOutputs } from "./outputs.ts";

/** What one rotation changes: the token of a gateway, or one agent's key for one provider. */
export type RotationTarget =
  | { readonly gateway: string; readonly track: "gateway" }
  | { readonly gateway: string; readonly track: "provider"; readonly agent: string; readonly provider: string };

export interface Rotation {
  readonly target: RotationTarget;
  readonly before: LedgerLine;
  readonly after: LedgerLine;
  readonly generation: string;
  readonly previousGeneration: string | null;
  readonly interruptionSeconds: number;
  readonly proof: NonNullable<GatewayOutputs["proof"]>;
  /** Of a rotated gateway token: the devices that lost their pairing, and those that keep it. */
  readonly devices: NonNullable<GatewayOutputs["devices"]> | null;
}

const GATEWAY = "gatehouse:index:Gateway";
const TOKEN_SLOT = "gateway token";

function refused(message: string, fix: string): OperationError {
  return OperationError.of("rotation", message, fix);
}

function principalOf(target: RotationTarget): string {
  return target.track === "gateway" ? target.gateway : `${target.gateway}/${target.agent}`;
}

/** Without SSH keys and certificates, which a new `keyVersion` in the fleet rotates. */
function ownLines(ledger: readonly LedgerLine[]): readonly LedgerLine[] {
  return ledger.filter(({ track }) => track === "gateway" || track === "provider");
}

/** How a target is called in messages: `team-a, gateway token`, `team-a/research, anthropic`. */
export function targetText(target: RotationTarget): string {
  return `${principalOf(target)}, ${target.track === "gateway" ? TOKEN_SLOT : target.provider}`;
}

/**
 * The ledger's line of a target.
 * @throws {OperationError} `rotation` when there is none, naming those that there are, or when the node reads it itself.
 */
export function ledgerLine(outputs: StackOutputs, target: RotationTarget): LedgerLine {
  const provider = target.track === "gateway" ? null : target.provider;
  const found = ownLines(outputs.ledger).find(
    (line) => line.principal === principalOf(target) && line.provider === provider,
  );
  if (found?.fingerprint === null) {
    throw refused(
      `'${targetText(target)}' is read by the node itself (${found.ref ?? ""}): there is no value here to rotate`,
      "put the new version into the manager, then name it in the reference (`?version=…`) and run `gatehouse up`",
    );
  }
  if (found !== undefined) return found;
  const known = ownLines(outputs.ledger).map((line) => `${line.principal}, ${line.provider ?? TOKEN_SLOT}`);
  throw refused(
    `the stack has no credential '${targetText(target)}'; it has ${known.length === 0 ? "none" : known.join("; ")}`,
    "name one of these: GATEWAY --token, or GATEWAY --agent AGENT --provider PROVIDER",
  );
}

/** Resources that are made anew for a rotation: the seed of a token that the stack itself generates. */
export function replacedFor(line: LedgerLine): readonly string[] {
  return line.ref === null ? [`${line.gateway}-token-seed`] : [];
}

function member(inputs: unknown, key: string): unknown {
  return typeof inputs === "object" && inputs !== null ? (inputs as Readonly<Record<string, unknown>>)[key] : undefined;
}

/** Fingerprints by `PRINCIPAL, WHAT`, as a gateway's inputs have them. */
function fingerprintsOf(gateway: string, inputs: unknown): ReadonlyMap<string, unknown> {
  const keys = Object.entries(member(inputs, "providerFingerprints") ?? {});
  return new Map<string, unknown>([
    [`${gateway}, ${TOKEN_SLOT}`, member(inputs, "tokenFingerprint")],
    ...keys.map(([key, value]) => [`${gateway}/${key.replace("/", ", ")}`, value] as const),
  ]);
}

/**
 * Every credential that a plan changes, as `targetText` calls them, and every gateway whose design was edited. Compared
 * with the ledger, which says what serves: after a failed run the state already has the inputs that did not come to serve.
 */
function changedBy(planned: readonly PlannedChange[], ledger: readonly LedgerLine[]): string[] {
  const gateways = planned.filter(({ type }) => type === GATEWAY);
  const served = new Map(
    ownLines(ledger).map((line) => [`${line.principal}, ${line.provider ?? TOKEN_SLOT}`, line.fingerprint ?? line.ref]),
  );
  const wanted = new Map(gateways.flatMap(({ name, after }) => [...fingerprintsOf(name, after)]));
  const edited = gateways.filter(({ before, after }) => member(before, "designHash") !== member(after, "designHash"));
  return [
    ...edited.map(({ name }) => `${name}, configuration`),
    ...[...new Set([...served.keys(), ...wanted.keys()])].filter((slot) => served.get(slot) !== wanted.get(slot)),
  ];
}

/** Names of the resources that a rotation of the target may touch. */
function touched(target: RotationTarget): ReadonlySet<string> {
  const { gateway } = target;
  const common = [gateway, `${gateway}-gateway`, `${gateway}-verify`];
  const principal = principalOf(target);
  return new Set([
    ...common,
    ...(target.track === "gateway" ? [`${gateway}-token-seed`] : [principal, `${principal}-agent`]),
  ]);
}

/**
 * Lets a plan pass that is this rotation and nothing else.
 * @throws {OperationError} `rotation` when the value is the one that serves already, or more would change.
 */
export function checkPlan(planned: readonly PlannedChange[], target: RotationTarget, outputs: StackOutputs): void {
  const line = ledgerLine(outputs, target);
  const changed = changedBy(planned, outputs.ledger);
  const wanted = targetText(target);
  const allowed = touched(target);
  const others = [
    ...changed.filter((text) => text !== wanted),
    ...planned.flatMap(({ name, op }) => (op === "same" || allowed.has(name) ? [] : [name])),
  ];
  if (others.length > 0) {
    throw refused(
      `this run would change more than ${wanted}: ${[...new Set(others)].join("; ")}`,
      "run `gatehouse up` for those first, or take those edits back; then rotate",
    );
  }
  if (!changed.includes(wanted)) {
    throw refused(
      `${line.ref ?? "the generated token"} still has the value that serves (${line.masked} ${line.fingerprint})`,
      "put the new value where the reference leads, then run the same command again",
    );
  }
}

/** What a rotation that was applied has changed. */
export function rotationOf(target: RotationTarget, before: LedgerLine, outputs: StackOutputs): Rotation {
  const after = ledgerLine(outputs, target);
  const gateway = outputs.nodes[after.node]?.gateways[target.gateway];
  if (gateway?.proof === undefined || gateway.proof === null || after.fingerprint === before.fingerprint) {
    throw OperationError.of(
      "unproven",
      "the run ended without a proof that the new value serves",
      "look at `gatehouse credentials`: the new fingerprint there means that the value serves; else run the same command again",
    );
  }
  const { generation, previousGeneration = null, interruptionSeconds, proof, devices = null } = gateway;
  return {
    target,
    before,
    after,
    generation,
    previousGeneration,
    interruptionSeconds,
    proof,
    devices: target.track === "gateway" ? devices : null,
  };
}

function devicesText(devices: NonNullable<Rotation["devices"]>["kept"]): string {
  const names = devices.map(({ id, client, platform }) => `${id.slice(0, 12)}… (${client}, ${platform})`);
  return names.length === 0 ? "none" : names.join(", ");
}

/** What a rotation did, for people; no secret. */
export function rotationText({ target, before, after, ...rotation }: Rotation): string {
  const { generation, previousGeneration, interruptionSeconds, proof, devices } = rotation;
  return [
    `rotated ${targetText(target)}: ${before.masked} ${before.fingerprint} -> ${after.masked} ${after.fingerprint}`,
    (proof.variables === null
      ? "  proven over HTTP; what the running process was started with is not shown by this system"
      : `  proven: the running process has all ${proof.variables} variables as delivered`) +
      (proof.unconfirmedAgents.length === 0
        ? ""
        : `; read again from the key file, to be seen at the next turn of: ${proof.unconfirmedAgents.join(", ")}`) +
      (proof.oldTokenRefused === true ? ", and the token before is refused" : ""),
    ...(devices === null
      ? []
      : [`  paired devices: removed ${devicesText(devices.removed)}; still paired ${devicesText(devices.kept)}`]),
    `  ${after.variable} in ${generation}, interruption ${interruptionSeconds.toFixed(1)} s, ` +
      `roll back to ${previousGeneration ?? "nothing"}, due again ${after.due?.slice(0, 10) ?? "?"}`,
  ].join("\n");
}
