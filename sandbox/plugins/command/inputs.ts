import { asSecret, isObject, isUnknown, peel, reveal, type Wire, type WireObject } from "../shared/wire.ts";

/** One machine to log in to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  /** One line in authorized_keys form; without it any host key is accepted, as the official plugin does. */
  readonly hostKey?: string;
  readonly agentSocketPath?: string;
  /** Failed attempts that are followed by another one; -1 is no limit. */
  readonly dialErrorLimit: number;
  /** Seconds for the TCP connection; 0 is no limit. */
  readonly perDialTimeout: number;
}

export interface Connection extends Endpoint {
  readonly proxy?: Endpoint;
}

export type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none";

export interface CommandInputs {
  readonly connection: Connection;
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly addPreviousOutputInEnv?: boolean;
  readonly logging?: Logging;
  readonly triggers?: readonly unknown[];
}

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

const ENDPOINT_DEFAULTS = { dialErrorLimit: 10, perDialTimeout: 15, port: 22, user: "root" } as const;

const ENDPOINT_TYPES: Readonly<Record<string, "string" | "number">> = {
  host: "string",
  port: "number",
  user: "string",
  password: "string",
  privateKey: "string",
  privateKeyPassword: "string",
  hostKey: "string",
  agentSocketPath: "string",
  dialErrorLimit: "number",
  perDialTimeout: "number",
};

const INPUT_TYPES: Readonly<Record<keyof CommandInputs, string>> = {
  connection: "object",
  create: "string",
  update: "string",
  delete: "string",
  stdin: "string",
  environment: "object",
  addPreviousOutputInEnv: "boolean",
  logging: "string",
  triggers: "array",
};

/** Inputs with the official defaults filled in and `connection` secret, and what is wrong with them. No value is quoted. */
export function checkInputs(news: WireObject): { inputs: WireObject; failures: Failure[] } {
  const failures: Failure[] = [];
  for (const [name, value] of Object.entries(news)) {
    const wanted = INPUT_TYPES[name as keyof CommandInputs] as string | undefined;
    if (name.startsWith("__") || !isKnown(value)) continue;
    if (wanted === undefined) failures.push({ property: name, reason: "unknown property" });
    else if (kindOf(value) !== wanted) failures.push({ property: name, reason: `must be of type ${wanted}` });
  }
  const connection = peel(news["connection"]);
  if (connection === undefined || connection === null) {
    failures.push({ property: "connection", reason: "required property is missing" });
    return { inputs: news, failures };
  }
  if (!isObject(connection)) return { inputs: { ...news, connection: asSecret(connection) }, failures };

  failures.push(...endpointFailures(connection, "connection", ["proxy"]));
  const filled: Record<string, Wire> = withDefaults(connection);
  const proxy = peel(connection["proxy"]);
  if (isObject(proxy)) {
    failures.push(...endpointFailures(proxy, "connection.proxy", []));
    filled["proxy"] = withDefaults(proxy);
  }
  return { inputs: { ...news, connection: asSecret(filled) }, failures };
}

/** Inputs as the SSH side uses them. Only for inputs that passed `checkInputs` and are fully known. */
export function readInputs(properties: WireObject): CommandInputs {
  const known = Object.keys(INPUT_TYPES).map((name) => [name, reveal(properties[name])] as const);
  return Object.fromEntries(
    known.filter(([, value]) => value !== undefined && value !== null),
  ) as unknown as CommandInputs;
}

/** Names of the inputs that differ, secret marks included: a value that becomes secret is a difference. */
export function changedInputs(olds: WireObject, news: WireObject, equal: (a: Wire, b: Wire) => boolean): string[] {
  return Object.keys(INPUT_TYPES).filter((name) => !equal(olds[name] ?? undefined, news[name] ?? undefined));
}

function withDefaults(endpoint: WireObject): Record<string, Wire> {
  const given = Object.entries(endpoint).filter(([, value]) => value !== undefined && value !== null);
  return { ...ENDPOINT_DEFAULTS, ...Object.fromEntries(given) };
}

function endpointFailures(endpoint: WireObject, path: string, nested: readonly string[]): Failure[] {
  const failures: Failure[] = [];
  if (endpoint["host"] === undefined || endpoint["host"] === null) {
    failures.push({ property: `${path}.host`, reason: "required property is missing" });
  }
  for (const [name, value] of Object.entries(endpoint)) {
    const wanted = nested.includes(name) ? "object" : ENDPOINT_TYPES[name];
    if (wanted === undefined) failures.push({ property: `${path}.${name}`, reason: "unknown property" });
    else if (isKnown(value) && kindOf(value) !== wanted) {
      failures.push({ property: `${path}.${name}`, reason: `must be of type ${wanted}` });
    }
  }
  return failures;
}

function isKnown(value: Wire): boolean {
  const inner = peel(value);
  return inner !== undefined && inner !== null && !isUnknown(inner);
}

function kindOf(value: Wire): string {
  const inner = peel(value);
  return Array.isArray(inner) ? "array" : typeof inner;
}
