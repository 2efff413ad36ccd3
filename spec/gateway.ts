import { z } from "zod";
import { changeSchema } from "./change.ts";
import { absolutePathSchema, agentIdSchema, nameSchema, providerIdSchema, userNameSchema } from "./names.ts";
import { httpsSchema } from "./https.ts";
import { nodeIdentitySchema } from "./node-identity.ts";
import { permissionsSchema, TRUST_BOUNDARIES } from "./permissions.ts";
import { accessSchema } from "./principals.ts";
import { secretRefSchema } from "./secret-ref.ts";
import { trustedProxySchema } from "./trusted-proxies.ts";

const modelSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,38}\/[A-Za-z0-9._:/-]{1,120}$/,
    "expected PROVIDER/MODEL, for example anthropic/claude-opus-4-8",
  );

/** Days after which a credential is due for rotation; the ledger and the policies use it, nothing rotates by itself. */
const rotateEveryDaysSchema = z.int().min(1).max(365).default(90);

export const credentialSchema = z.strictObject({
  /** Model provider that the key is for. */
  provider: providerIdSchema,
  /** Where the key is kept, never the key: `pulumi://KEY` (recommended), `vault://…`, `aws-sm://…`, `env://NAME`, `file:///path`. */
  secret: secretRefSchema,
  /** Days after which the key is due for rotation. */
  rotateEveryDays: rotateEveryDaysSchema,
  /**
   * Who reads it: `deploy` the operator's machine, once; `node` the node itself at every start of the gateway, so that
   * neither the stack nor any file holds it. Then `nodeIdentity` says how the node signs in.
   */
  resolve: z.enum(["deploy", "node"]).default("deploy"),
  /**
   * How it reaches the process: `environment` in a variable of the unit, which the gate can prove, and a rotation
   * restarts the gateway; `file` in a private file that OpenClaw reads again without a restart, where nothing but the next
   * turn shows that it is used. With `resolve: deploy` only.
   */
  delivery: z.enum(["environment", "file"]).default("environment"),
});
export type CredentialSpec = z.output<typeof credentialSchema>;

export const agentSchema = z.strictObject({
  /** Unique in its gateway; `main` is reserved by OpenClaw. */
  id: agentIdSchema,
  /** Primary model, `PROVIDER/MODEL`; its provider needs a credential of this agent. */
  model: modelSchema,
  /** Model of short helper calls; default: the primary one. */
  utilityModel: modelSchema.optional(),
  /** One key for each provider the agent uses; no other agent gets it. */
  credentials: z.array(credentialSchema).min(1, "an agent needs a credential for its model's provider"),
  /** What the agent may do; default: the least. */
  permissions: permissionsSchema.prefault({}),
  /**
   * What separates it from other agents: `agent` its own credentials, workspace and tool policy in a shared process,
   * `gateway` an OS user and a process of its own. Default: the weakest that its permissions allow.
   */
  trustBoundary: z.enum(TRUST_BOUNDARIES).optional(),
  /**
   * Directories of the node that it reads and never writes: each appears read-only as `shared/NAME` in its workspace.
   * They belong to somebody else than the gateway's user and are closed to the world; access is given by ACL.
   */
  sharedDirectories: z.array(absolutePathSchema).default([]),
});
export type AgentSpec = z.output<typeof agentSchema>;

/** How one model provider is reached, for all agents of a gateway. No key here: keys belong to agents. */
export const providerSchema = z.strictObject({
  /** As in `model` before the slash. */
  id: providerIdSchema,
  /** Base URL in place of the vendor's public one: an egress proxy or a test server. */
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
});

/** When a gateway starts. */
export const STARTS = ["boot", "login"] as const;
export type StartsAt = (typeof STARTS)[number];

export const gatewaySchema = z.strictObject({
  /** Unique in the fleet. */
  name: nameSchema,
  /** Name of one of `environments`. */
  environment: nameSchema,
  /** Dedicated OS user; created when absent (not with `startsAt: login`), and owned by this gateway alone. */
  user: userNameSchema,
  /**
   * When it starts: `boot` without anybody's login. `login`, on macOS only, in the session of its user at the screen, for
   * what macOS gives to such a session alone (the screen, Apple events, Messages): it serves only once that user has logged
   * in there, and after a power cut not until then. FileVault excludes automatic login, and consent to the local network can
   * only be given at the screen. Its user is an account of the Mac's owner, which Gatehouse neither makes nor deletes.
   */
  startsAt: z.enum(STARTS).default("boot"),
  /** Home directory; default `/home/USER` on Linux, `/Users/USER` on macOS. */
  home: absolutePathSchema.optional(),
  /** Loopback TCP port. OpenClaw uses up to port + 110 beside it, so gateways of one machine are 120 apart. */
  port: z.int().min(1024).max(65000),
  /** The gateway token by reference; without one a 256-bit token is generated and kept as a secret output. */
  token: secretRefSchema.optional(),
  /** Days after which the gateway token is due for rotation. */
  tokenRotateEveryDays: rotateEveryDaysSchema,
  /** HTTPS by a certificate of the fleet's private authority; without it the gateway speaks plain HTTP on loopback. */
  https: httpsSchema.optional(),
  /**
   * Reverse proxies of your own in front of it, by the address that they connect from. Each has to set X-Forwarded-For,
   * -Proto and -Host itself, whatever the client sent: the gateway takes them for the truth about its clients.
   */
  trustedProxies: z.array(trustedProxySchema).default([]),
  /** How the node signs in to secret managers, for credentials with `resolve: node`. */
  nodeIdentity: nodeIdentitySchema.optional(),
  /** Providers that are reached at another address than the vendor's. */
  providers: z.array(providerSchema).default([]),
  /** The agents of this gateway. */
  agents: z.array(agentSchema).min(1, "a gateway needs at least one agent"),
  /** Who else may reach this gateway over SSH, and for what. */
  access: z.array(accessSchema).default([]),
  /** Heap of the gateway process in MiB. */
  heapMebibytes: z.int().min(512).max(65536).default(2048),
  /** Generations kept on disk, the live one included; every other one is a rollback point. */
  keepGenerations: z.int().min(2).max(20).default(3),
  /**
   * Paired devices (ids of `openclaw devices list`) that stay when the gateway token is rotated. All others are removed
   * then: a device has a token of its own, which a new gateway token alone leaves in force.
   */
  keepDevices: z
    .array(z.string().regex(/^[0-9a-f]{64}$/, "expected a device id: 64 hex digits, as `openclaw devices list` shows"))
    .default([]),
  /** Remove the OS user, its state and workspaces at `destroy`; by default they stay. */
  purgeOnDestroy: z.boolean().default(false),
  /** Why this change of the gateway is made. */
  change: changeSchema.optional(),
});
export type GatewaySpec = z.output<typeof gatewaySchema>;
