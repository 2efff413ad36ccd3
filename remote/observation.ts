import * as pulumi from "@pulumi/pulumi";
import type { PhaseName } from "../node/protocol.ts";
import { connectionInput } from "./connection.ts";
import type { ConnectionArgs } from "./connection.ts";
import type { Observed, Subject } from "./subject.ts";

export interface ObservationArgs {
  readonly connection: ConnectionArgs;
  /** Directory name of the on-node program that the bootstrap has put there. */
  readonly programId: string;
  readonly machineId: pulumi.Input<string>;
  readonly machine?: Subject["machine"];
  readonly gateway?: pulumi.Input<Subject["gateway"]>;
}

/**
 * What `pulumi refresh` reads of a machine or a gateway: a resource of our own plugin (`remote/plugin`), since a remote
 * command has no read. Made and removed without a connection; updated only after drift was found, by mending it.
 */
export class Observation extends pulumi.CustomResource {
  declare readonly deviations: pulumi.Output<Observed["deviations"]>;
  declare readonly due: pulumi.Output<Observed["due"]>;
  declare readonly repeats: pulumi.Output<Observed["repeats"]>;

  constructor(name: string, args: ObservationArgs, opts: pulumi.CustomResourceOptions) {
    const { connection, programId, machineId, machine, gateway } = args;
    super(
      "gatehouse-drift:index:Observation",
      name,
      {
        connection: pulumi.secret(connectionInput(connection)),
        programId,
        machineId,
        machine,
        gateway,
        deviations: undefined,
        due: undefined,
        repeats: undefined,
      },
      pulumi.mergeOptions(opts, { customTimeouts: { update: "70m" } }),
    );
  }

  /** How often drift has made this phase run again; known at preview. */
  repeatsOf(phase: PhaseName): pulumi.Output<number> {
    return this.repeats.apply((repeats) => repeats[phase] ?? 0);
  }
}
