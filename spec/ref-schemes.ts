import type { RefReader } from "./ref-reader.ts";

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

/** A reference to a secret that the operator's machine reads with the vendor's command line or SDK. */
export type OperatorRef =
  | {
      readonly scheme: "op";
      readonly vault: string;
      readonly item: string;
      readonly section?: string;
      readonly field: string;
    }
  | {
      readonly scheme: "gcp-sm";
      readonly project: string;
      readonly secret: string;
      /** Number or alias; default: `latest`. */
      readonly version?: string;
    }
  | { readonly scheme: "azure-kv"; readonly vault: string; readonly secret: string; readonly version?: string }
  /** `path`: keys of the decrypted document from the outside in; digits alone are an index. */
  | { readonly scheme: "sops"; readonly file: string; readonly path: readonly string[] }
  | { readonly scheme: "pass"; readonly path: string }
  | { readonly scheme: "keychain"; readonly service: string; readonly account: string };

/** A reference to a secret of the stack, of the operator's process or disk. */
export type LocalRef =
  | { readonly scheme: "pulumi"; readonly key: string }
  | { readonly scheme: "env"; readonly name: string }
  | { readonly scheme: "file"; readonly path: string };

export type SecretRef = ManagerRef | OperatorRef | LocalRef;
export type RefScheme = SecretRef["scheme"];

interface Grammar<R extends SecretRef> {
  /** As documented; shown with every problem. */
  readonly form: string;
  parse(reader: RefReader): R;
  format(ref: R): string;
}

const given = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: V };

function query(options: Readonly<Record<string, string | number | undefined>>): string {
  const parts = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

const NAME = /[\w.@-]+/;
/** What ends up in an argument vector begins with no dash: it would be an option there. */
const WORDS = /[\w.@+][\w.@+-]*(?: +[\w.@+-]+)*/;

/** How each scheme is written; `format` gives what `parse` takes. */
export const GRAMMARS: { readonly [S in RefScheme]: Grammar<Extract<SecretRef, { readonly scheme: S }>> } = {
  pulumi: {
    form: "pulumi://KEY",
    parse(reader) {
      const key = reader.take(
        /[A-Za-z][A-Za-z0-9_.-]{0,127}/,
        "a configuration key: a letter, then letters, digits, '_', '.', '-'",
      );
      reader.end("the end of the key");
      return { scheme: "pulumi", key };
    },
    format: ({ key }) => key,
  },
  env: {
    form: "env://NAME",
    parse(reader) {
      const name = reader.take(/[A-Za-z_][A-Za-z0-9_]{0,127}/, "a variable name: letters, digits and '_'");
      reader.end("the end of the name");
      return { scheme: "env", name };
    },
    format: ({ name }) => name,
  },
  file: {
    form: "file:///absolute/path",
    parse(reader) {
      reader.expect("/", "an absolute path");
      const path = reader.take(/[^\0\n]+/, "the rest of the path");
      reader.end("the end of the path");
      return { scheme: "file", path: `/${path}` };
    },
    format: ({ path }) => path,
  },
  vault: {
    form: "vault://mount/path#field?version=N&kv=1|2",
    parse(reader) {
      const [mount = ""] = reader.segments(NAME, "\0", "the mount");
      reader.expect("/", "the path of the secret");
      const path = reader.segments(/[\w.@-]+(?: +[\w.@-]+)*/, "/", "a part of the path").join("/");
      reader.expect("#", "the field");
      const field = reader.take(NAME, "the field");
      const options = reader.options({
        version: { pattern: /[1-9]\d{0,8}(?![\w.@-])/, is: "a version number" },
        kv: { pattern: /[12](?![\w.@-])/, is: "1 or 2" },
      });
      const { version, kv } = options;
      if (kv === "1" && version !== undefined) throw reader.problem("no version: a store of KV version 1 has none");
      return {
        scheme: "vault",
        mount,
        path,
        field,
        ...given("version", version === undefined ? undefined : Number(version)),
        ...given("kv", kv === undefined ? undefined : kv === "1" ? (1 as const) : (2 as const)),
      };
    },
    format: ({ mount, path, field, version, kv }) => `${mount}/${path}#${field}${query({ version, kv })}`,
  },
  "aws-sm": {
    form: "aws-sm://NAME-OR-ARN#json-key?stage=…&version=…",
    parse(reader) {
      const id = reader.take(/[\w/+=.@:-]{1,2048}/, "the name or ARN of the secret");
      const jsonKey = reader.skip("#") ? reader.take(/[\w.@/-]+/, "the key of the JSON object") : undefined;
      const word = { pattern: /[\w.-]+/, is: "letters, digits, '_', '.', '-'" };
      return { scheme: "aws-sm", id, ...given("jsonKey", jsonKey), ...reader.options({ stage: word, version: word }) };
    },
    format: ({ id, jsonKey, stage, version }) =>
      `${id}${jsonKey === undefined ? "" : `#${jsonKey}`}${query({ stage, version })}`,
  },
  op: {
    form: "op://vault/item/field",
    parse(reader) {
      // what the vendor's own check accepts (measured, SDK 0.5.0), but no empty part
      const part = /[\w.][\w.-]*(?: +[\w.-]+)*/;
      const vault = reader.take(part, "the vault");
      reader.expect("/", "the item");
      const item = reader.take(part, "the item");
      reader.expect("/", "the field");
      const first = reader.take(part, "the field");
      const second = reader.skip("/") ? reader.take(part, "the field") : undefined;
      reader.end("the end of the field");
      return second === undefined
        ? { scheme: "op", vault, item, field: first }
        : { scheme: "op", vault, item, section: first, field: second };
    },
    format: ({ vault, item, section, field }) =>
      [vault, item, ...(section === undefined ? [] : [section]), field].join("/"),
  },
  "gcp-sm": {
    form: "gcp-sm://project/secret#version",
    parse(reader) {
      const project = reader.take(/[a-z0-9][a-z0-9.:-]*/, "the project id or number");
      reader.expect("/", "the secret");
      const secret = reader.take(/\w[\w-]{0,254}/, "the name of the secret");
      const version = reader.skip("#") ? reader.take(/\w[\w-]*/, "a version number or alias") : undefined;
      reader.end(version === undefined ? "the end, or '#' and a version" : "the end of the version");
      return { scheme: "gcp-sm", project, secret, ...given("version", version) };
    },
    format: ({ project, secret, version }) => `${project}/${secret}${version === undefined ? "" : `#${version}`}`,
  },
  "azure-kv": {
    form: "azure-kv://vault/secret?version=…",
    parse(reader) {
      const vault = reader.take(/[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]/, "the vault: 3 to 24 letters, digits and '-'");
      reader.expect("/", "the secret");
      const secret = reader.take(/[A-Za-z0-9][A-Za-z0-9-]{0,126}/, "the name of the secret: letters, digits and '-'");
      return {
        scheme: "azure-kv",
        vault,
        secret,
        ...reader.options({ version: { pattern: /[0-9a-f]{32}/, is: "32 hex digits" } }),
      };
    },
    format: ({ vault, secret, version }) => `${vault}/${secret}${query({ version })}`,
  },
  sops: {
    form: "sops://file#key/key",
    parse(reader) {
      const root = reader.skip("/") ? "/" : "";
      const file = root + reader.segments(WORDS, "/", "the encrypted file").join("/");
      reader.expect("#", "the keys that lead to the secret, separated by '/'");
      const path = reader.segments(WORDS, "/", "a key");
      reader.end("the end of the key");
      return { scheme: "sops", file, path };
    },
    format: ({ file, path }) => `${file}#${path.join("/")}`,
  },
  pass: {
    form: "pass://path",
    parse(reader) {
      const path = reader.segments(WORDS, "/", "the name in the password store").join("/");
      reader.end("the end of the name");
      return { scheme: "pass", path };
    },
    format: ({ path }) => path,
  },
  keychain: {
    form: "keychain://service/account",
    parse(reader) {
      const service = reader.take(WORDS, "the service");
      reader.expect("/", "the account");
      const account = reader.take(WORDS, "the account");
      reader.end("the end of the account");
      return { scheme: "keychain", service, account };
    },
    format: ({ service, account }) => `${service}/${account}`,
  },
};

/** In the order of preference for a new fleet. */
export const SECRET_REF_SCHEMES = [
  "pulumi",
  "op",
  "vault",
  "aws-sm",
  "gcp-sm",
  "azure-kv",
  "sops",
  "pass",
  "keychain",
  "env",
  "file",
] as const satisfies readonly RefScheme[];

/** What a node can read itself. */
export const NODE_SCHEMES = ["vault", "aws-sm"] as const satisfies readonly ManagerRef["scheme"][];

/** For development: nobody else has the value, nothing says who changed it. */
export const DEVELOPMENT_SCHEMES = ["env", "file"] as const satisfies readonly LocalRef["scheme"][];
