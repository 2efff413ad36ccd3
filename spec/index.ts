export * from "./change.ts";
export * from "./connection.ts";
export * from "./fleet.ts";
export { fleetProblems, PORT_SPACING, type FleetProblem } from "./fleet-rules.ts";
export * from "./gateway.ts";
export * from "./names.ts";
export * from "./parse.ts";
export * from "./runtime.ts";
export * from "./secret-ref.ts";
