import { member } from "../lib/member.ts";
import { mask } from "../lib/mask.ts";
import type { ConfigToken } from "./evidence.ts";

const SENSITIVE = /token|password|secret|key$/i;

/** SECRET: what a configuration holds in clear where it should refer to something; for the scrubber. */
export function configSecrets(config: string): string[] {
  const found: string[] = [];
  try {
    JSON.parse(config, (name, value: unknown) => {
      if (typeof value === "string" && SENSITIVE.test(name)) found.push(value);
      return value;
    });
  } catch {
    // what is no JSON is hidden by its shape alone
  }
  return found;
}

/** What a configuration says of the gateway's token, without any value; null where it is no JSON. */
export function configToken(config: string, delivered: string | undefined): ConfigToken | null {
  let token: unknown;
  try {
    token = member(JSON.parse(config), "gateway", "auth", "token");
  } catch {
    return null;
  }
  if (token === undefined || token === null) return { kind: "missing" };
  const variable = typeof token === "string" ? /^\$\{([A-Z][A-Z0-9_]*)\}$/.exec(token)?.[1] : undefined;
  if (variable !== undefined) return { kind: "reference", to: `env:${variable}` };
  if (typeof token === "string") {
    const state = token.trim() === "" ? "empty" : token === delivered ? "same" : "different";
    return { kind: "value", state, masked: mask(token) };
  }
  const word = (name: string): string => {
    const found = member(token, name);
    return typeof found === "string" && /^[\w./-]{1,128}$/.test(found) ? found : "?";
  };
  return { kind: "reference", to: `${word("source")}:${word("id")}` };
}
