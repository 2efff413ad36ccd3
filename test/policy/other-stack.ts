import type { Stack } from "./stack.ts";

export const OTHER_STACK = "acme/gateways/trial";

/** Where in the order of registration: our program waits for it before the fleet, a program of somebody else's may not. */
export const PLACES = ["unshift", "push"] as const;

/** What `OtherStack` registers, with these credentials in its ledger or with none. */
export function otherStack(
  stack: Stack,
  credentials: readonly object[] | undefined,
  place: (typeof PLACES)[number] = "unshift",
): void {
  const props = { stack: OTHER_STACK, ...(credentials && { credentials: [...credentials] }) };
  stack.resources[place]({
    type: "gatehouse:index:OtherStack",
    name: OTHER_STACK,
    parent: "",
    parentType: "",
    secretOutputs: [],
    props,
  });
}
