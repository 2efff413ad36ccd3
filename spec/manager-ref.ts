/** A reference to a secret in a manager that the node itself can read. */
export type ManagerRef =
  | {
      readonly scheme: "vault";
      readonly mount: string;
      readonly path: string;
      readonly field: string;
      /** Default: the newest. */
      readonly version?: number;
      /** Version of the store; default: asked of Vault. */
      readonly kv?: 1 | 2;
    }
  | {
      readonly scheme: "aws-sm";
      /** Name or ARN. */
      readonly id: string;
      /** Key of a secret that is a JSON object; default: the whole text. */
      readonly jsonKey?: string;
      readonly stage?: string;
      readonly version?: string;
    };

export const MANAGER_SCHEMES = ["vault", "aws-sm"] as const;

type Parsed = { readonly ok: true; readonly ref: ManagerRef } | { readonly ok: false; readonly problem: string };

const VAULT = "vault:// takes vault://mount/path#field, then ?version=N and kv=1 or kv=2 where needed";
const AWS = "aws-sm:// takes aws-sm://NAME-OR-ARN#json-key, then ?stage=… or version=… where needed";

/** `a=1&b=2` with known names, each once; undefined when it is anything else. */
function options<N extends string>(
  query: string | undefined,
  names: readonly N[],
): Partial<Record<N, string>> | undefined {
  if (query === undefined) return {};
  const found: Partial<Record<N, string>> = {};
  for (const part of query.split("&")) {
    const [name = "", value = "", ...more] = part.split("=");
    const known = names.find((one) => one === name);
    if (known === undefined || found[known] !== undefined || value === "" || more.length > 0) return undefined;
    found[known] = value;
  }
  return found;
}

function parseVault(rest: string): Parsed {
  const match =
    /^(?<mount>[\w.-]+)\/(?<path>[\w.@ -]+(?:\/[\w.@ -]+)*)#(?<field>[\w.@-]+)(?:\?(?<query>[\w=&.-]+))?$/.exec(rest);
  const { mount = "", path = "", field = "", query } = match?.groups ?? {};
  const chosen = options(query, ["version", "kv"]);
  const dots = [mount, ...path.split("/")].some((part) => part === "." || part === "..");
  if (match === null || chosen === undefined || dots) return { ok: false, problem: VAULT };
  const { version, kv } = chosen;
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) return { ok: false, problem: VAULT };
  if (kv !== undefined && kv !== "1" && kv !== "2") return { ok: false, problem: VAULT };
  if (kv === "1" && version !== undefined) return { ok: false, problem: "vault:// has versions in KV version 2 only" };
  return {
    ok: true,
    ref: {
      scheme: "vault",
      mount,
      path,
      field,
      ...(version === undefined ? {} : { version: Number(version) }),
      ...(kv === undefined ? {} : { kv: kv === "1" ? 1 : 2 }),
    },
  };
}

function parseAws(rest: string): Parsed {
  const match = /^(?<id>[\w/+=.@:-]{1,2048})(?:#(?<jsonKey>[\w.@/-]+))?(?:\?(?<query>[\w=&.-]+))?$/.exec(rest);
  const { id = "", jsonKey, query } = match?.groups ?? {};
  const chosen = options(query, ["stage", "version"]);
  if (match === null || chosen === undefined) return { ok: false, problem: AWS };
  return {
    ok: true,
    ref: { scheme: "aws-sm", id, ...(jsonKey === undefined ? {} : { jsonKey }), ...chosen },
  };
}

/** Parses what follows `scheme://`. The problem text never repeats the input. */
export function parseManagerRef(scheme: ManagerRef["scheme"], rest: string): Parsed {
  return scheme === "vault" ? parseVault(rest) : parseAws(rest);
}

/** The text of a reference; parsing it gives `ref` again. */
export function formatManagerRef(ref: ManagerRef): string {
  const query = (names: Readonly<Record<string, string | number | undefined>>): string => {
    const given = Object.entries(names).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    return given.length === 0 ? "" : `?${given.join("&")}`;
  };
  return ref.scheme === "vault"
    ? `vault://${ref.mount}/${ref.path}#${ref.field}${query({ version: ref.version, kv: ref.kv })}`
    : `aws-sm://${ref.id}${ref.jsonKey === undefined ? "" : `#${ref.jsonKey}`}${query({ stage: ref.stage, version: ref.version })}`;
}
