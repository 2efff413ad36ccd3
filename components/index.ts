export { Agent, type CredentialView } from "./agent.ts";
export { ComponentError } from "./errors.ts";
export { Gateway } from "./gateway.ts";
export { GatewayNode, type GatewayNodeArgs } from "./gateway-node.ts";
export { fingerprintKey } from "./keys.ts";
export { resolveSecrets } from "./resolve-secrets.ts";
export { Runtime } from "./runtime.ts";
export type { ConnectionArgs, EndpointArgs } from "../remote/connection.ts";
