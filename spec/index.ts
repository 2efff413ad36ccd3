export * from "./change.ts";
export * from "./connection.ts";
export * from "./fleet.ts";
export { fleetProblems, PORT_SPACING, type FleetProblem } from "./fleet-rules.ts";
export * from "./gateway.ts";
export * from "./https.ts";
export * from "./names.ts";
export * from "./node-identity.ts";
export * from "./parse.ts";
export { trustBoundary } from "./permission-rules.ts";
export * from "./permissions.ts";
export * from "./principals.ts";
export * from "./runtime.ts";
export {
  DEVELOPMENT_SCHEMES,
  NODE_SCHEMES,
  SECRET_REF_SCHEMES,
  type LocalRef,
  type ManagerRef,
  type OperatorRef,
  type RefScheme,
  type SecretRef,
} from "./ref-schemes.ts";
export * from "./secret-ref.ts";
export { COMMAND_TOOLS, deniedBeyond, REACH_OVER_TOOLS, toolsOf } from "./tools.ts";
