import * as pulumi from "@pulumi/pulumi";
import type { LedgerEntry } from "./ledger.ts";

/** A credential of another stack, as policies see it. */
interface Credential {
  readonly principal: string;
  readonly environment: string;
  readonly track: LedgerEntry["track"];
  readonly ref: string;
}

/** `pulumi://KEY` of two stacks are two values under one name, and so are variables and files of two operators. */
const OWN_TO_A_STACK = /^(?:pulumi|env|file):/;

function credentialsOf(ledger: unknown): Credential[] | undefined {
  if (!Array.isArray(ledger)) return undefined;
  return (ledger as LedgerEntry[]).flatMap(({ principal, environment, track, ref }) =>
    ref === null || OWN_TO_A_STACK.test(ref) ? [] : [{ principal, environment, track, ref }],
  );
}

/**
 * The ledger of another stack of the team, so that policies find a credential that both use. Reads its outputs and
 * registers them without a value; a stack without a ledger is a violation, not an empty one.
 */
export class OtherStack extends pulumi.ComponentResource {
  /** @param stack Full name, `ORGANISATION/PROJECT/STACK`; it has to be readable with this run's login. */
  constructor(stack: string, opts?: pulumi.ComponentResourceOptions) {
    const reference = new pulumi.StackReference(stack);
    super(
      "gatehouse:index:OtherStack",
      stack,
      { stack, credentials: reference.getOutput("ledger").apply(credentialsOf) },
      opts,
    );
    this.registerOutputs({});
  }
}

/**
 * Registers the other stacks of a team and waits for the engine to have them, so that whatever is registered afterwards
 * is judged with their credentials known: what a policy says of a gateway comes before that gateway is touched.
 *
 * @param stacks Full names, `ORGANISATION/PROJECT/STACK`.
 */
export async function knowOtherStacks(stacks: readonly string[]): Promise<void> {
  // a constructor returns before its resource is registered, and this one waits for what it reads
  const urns = stacks.map((stack) => new OtherStack(stack).urn);
  await new Promise((known) => pulumi.all(urns).apply(known));
}
