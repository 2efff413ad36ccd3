import { z } from "zod";

/**
 * A node, gateway or environment name: part of file names, unit descriptions and Pulumi resource names,
 * so RFC 1123 label characters only.
 */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,38}[a-z0-9]$/,
    "expected 2 to 40 characters: lower-case letters, digits and '-', starting with a letter",
  );

/** `main` owns the vendor's legacy shared credential store (measured on OpenClaw 2026.9.6). */
const RESERVED_AGENT_IDS: readonly string[] = ["main"];

/** An OpenClaw agent id. */
export const agentIdSchema = nameSchema.refine((id) => !RESERVED_AGENT_IDS.includes(id), {
  message: "is reserved by OpenClaw for its legacy shared credential store; choose another agent id",
});

/** A POSIX portable user name as `useradd` accepts it. */
export const userNameSchema = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_-]{0,30}$/,
    "expected a POSIX user name: lower-case letters, digits, '_' and '-', at most 31 characters",
  )
  .refine((name) => name !== "root", { message: "a gateway never runs as root; name a dedicated user" });

/** A model provider's id as OpenClaw spells it (`anthropic`, `openai`, …). */
export const providerIdSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,38}$/, "expected a provider id: lower-case letters, digits and '-'");

/** An absolute POSIX path without `..` or doubled separators. */
export const absolutePathSchema = z
  .string()
  .regex(/^(\/[A-Za-z0-9._@+-]+)+$/, "expected an absolute path of letters, digits and '._@+-'")
  .refine((path) => !path.split("/").includes(".."), { message: "must not contain '..'" });

/**
 * The one variable that carries an agent's key for a provider. The `OPENCLAW_` prefix keeps a
 * `.env` in the working directory from setting it, and the `_KEY` ending (not `_API_KEY`) keeps OpenClaw from treating
 * it as an ambient key of all agents.
 */
export function credentialVariable(agentId: string, providerId: string): string {
  const upper = (text: string): string => text.toUpperCase().replaceAll("-", "_");
  return `OPENCLAW_AGENT_${upper(agentId)}_${upper(providerId)}_KEY`;
}

/** The variable that carries the gateway token (the vendor's name). */
export const GATEWAY_TOKEN_VARIABLE = "OPENCLAW_GATEWAY_TOKEN";

const HOMES = { linux: "/home", macos: "/Users" } as const;

/** Where an OS user lives unless the spec says otherwise. */
export function defaultHome(platform: keyof typeof HOMES, user: string): string {
  return `${HOMES[platform]}/${user}`;
}
