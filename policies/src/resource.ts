/** What a rule may look at. */
export interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Type of the parent resource, empty for a child of the stack. */
  readonly parentType: string;
  /** Inputs, behind a proxy that throws for what is not known at preview. */
  readonly props: unknown;
  /** Outputs that the program marked as secret. */
  readonly secretOutputs: readonly string[];
}

/** Types of the components, as they are in a URN. */
export const NODE = "gatehouse:index:GatewayNode";
export const RUNTIME = "gatehouse:index:Runtime";
export const GATEWAY = "gatehouse:index:Gateway";
export const AGENT = "gatehouse:index:Agent";
export const PRINCIPAL = "gatehouse:index:Principal";
export const OTHER_STACK = "gatehouse:index:OtherStack";
export const OBSERVATION = "gatehouse-drift:index:Observation";
export const COMMAND = "command:remote:Command";

export const ENVIRONMENT_KINDS = ["prod", "staging", "dev", "ci"] as const;
export type EnvironmentKind = (typeof ENVIRONMENT_KINDS)[number];
