import { absent, read, type Findings } from "./read.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "./resource.ts";

/** What the environment of a component is for; undefined, with a problem, when it does not say. */
export function environmentKind(found: Findings, props: unknown): EnvironmentKind | undefined {
  const declared = read(props, "environmentKind");
  if (declared.state !== "known") {
    found.add(`environmentKind is ${absent(declared)} (a program passes \`environments\` to GatewayNode)`);
    return undefined;
  }
  const kind = ENVIRONMENT_KINDS.find((one) => one === declared.value);
  if (kind === undefined) found.add(`environmentKind is none of ${ENVIRONMENT_KINDS.join(", ")}`);
  return kind;
}
