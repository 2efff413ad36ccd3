import * as pulumi from "@pulumi/pulumi";
import type { AccessResult } from "../node/protocol.ts";
import type { GatewayLayout } from "../render/index.ts";
import { remotePhase } from "../remote/phase.ts";
import type { RemotePhase } from "../remote/phase.ts";
import type { GatewaySpec } from "../spec/index.ts";
import type { PhaseTarget } from "./agent.ts";

/** What a gateway has to know of a principal. */
export interface PrincipalKey {
  /** As in `~/.ssh/id_ed25519.pub`. */
  readonly publicKey: pulumi.Input<string>;
  /** Days after which the key is due for rotation; without them the ledger has no due date. */
  readonly rotateEveryDays?: number;
}

interface AccessArgs {
  readonly gateway: GatewaySpec;
  readonly layout: GatewayLayout;
  readonly principals: Readonly<Record<string, PrincipalKey>>;
  readonly target: PhaseTarget;
  readonly parent: pulumi.Resource;
  /** The command that makes the OS user. */
  readonly after: pulumi.Resource;
}

/** What policies may see of a gateway's access list. */
export function accessView(gateway: GatewaySpec) {
  return gateway.access.map(({ principal, from, tunnel, command }) => ({
    principal,
    from: from ?? [],
    tunnel,
    command: command ?? null,
  }));
}

/** The phase that lets principals in; undefined for a gateway that only its operator reaches. */
export function accessOf(name: string, args: AccessArgs): RemotePhase<AccessResult> | undefined {
  const { gateway, layout, principals, target } = args;
  if (gateway.access.length === 0) return undefined;
  const keys = gateway.access.map(({ principal, from = [], tunnel, command = null }) =>
    pulumi.output(principals[principal]?.publicKey).apply((publicKey) => {
      if (publicKey === undefined) throw new Error(`no key for ${principal}`);
      return { principal, publicKey, from, command, tunnelPort: tunnel === "gateway" ? gateway.port : null };
    }),
  );
  return remotePhase(
    `${name}-access`,
    {
      phase: "access",
      connection: target.connection,
      programId: target.programId,
      observation: target.observation,
      payload: {
        machine: target.machine,
        gateway: gateway.name,
        user: layout.user,
        home: layout.home,
        keys: pulumi.all(keys),
      },
    },
    { parent: args.parent, dependsOn: [args.after], replaceWith: [args.after] },
  );
}
