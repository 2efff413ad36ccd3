import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { PhaseName, PhaseTypes } from "../node/protocol.ts";
import { seal } from "../node/sealed.ts";
import type { BootstrapResult } from "../render/bootstrap.ts";
import { bootstrapCommand, programCommand, repeatedCommand } from "../render/program-command.ts";
import { connectionInput } from "./connection.ts";
import type { ConnectionArgs } from "./connection.ts";
import type { Observation } from "./observation.ts";
import { resultValue } from "./result.ts";

/** Phases that leave something behind which `destroy` has to remove. */
const REMOVABLE: ReadonlySet<PhaseName> = new Set(["runtime", "account", "access", "agent", "gateway"]);

/** One phase on one node: one `remote.Command`, so one SSH handshake. */
export interface RemotePhase<R> {
  /** For `dependsOn`. */
  readonly command: remote.Command;
  /** What the phase reported; unknown at preview when the phase would run. */
  readonly result: pulumi.Output<R>;
}

/** How a payload with secrets is sealed to its node. */
export interface Sealing {
  /** `AccountResult.sealingKey` of the node. */
  readonly recipient: pulumi.Input<string>;
  /** 32 bytes, base64url, that only the operator's side has. */
  readonly secret: pulumi.Input<string>;
}

/** A payload some of whose top-level fields are outputs. */
type PayloadInput<T> = pulumi.Input<{ readonly [K in keyof T]: pulumi.Input<T[K]> }>;

interface Texts {
  readonly create: string;
  readonly update: pulumi.Input<string>;
  readonly delete?: string;
}

function command<R>(
  name: string,
  phase: string,
  connection: ConnectionArgs,
  texts: Texts,
  stdin: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): RemotePhase<R> {
  const resource = new remote.Command(
    name,
    {
      connection: connectionInput(connection),
      ...texts,
      stdin: pulumi.secret(stdin),
      // `none`: a long line would stop the provider's log pump, and with it the command
      logging: remote.Logging.None,
      addPreviousOutputInEnv: false,
    },
    pulumi.mergeOptions(opts, {
      additionalSecretOutputs: ["stdout", "stderr"],
      // the other order would run `delete` on what `create` has just made
      deleteBeforeReplace: true,
      customTimeouts: { create: "40m", update: "40m", delete: "40m" },
    }),
  );
  // The provider may log more than the result; the result itself holds no secret.
  return {
    command: resource,
    result: pulumi.unsecret(resource.stdout.apply((stdout) => resultValue(phase, stdout) as R)),
  };
}

function sealedText(plain: pulumi.Output<string>, sealing: Sealing): pulumi.Output<string> {
  return pulumi
    .all([plain, sealing.recipient, sealing.secret])
    .apply(([text, recipient, secret]) => JSON.stringify(seal(text, recipient, Buffer.from(secret, "base64url"))));
}

/** The bootstrap: `script` comes from `renderBootstrap`. */
export function bootstrapPhase(
  name: string,
  args: { readonly connection: ConnectionArgs; readonly script: pulumi.Input<string> },
  opts: pulumi.CustomResourceOptions,
): RemotePhase<BootstrapResult> {
  const texts = { create: bootstrapCommand("first contact"), update: bootstrapCommand("provisioned") };
  return command(name, "bootstrap", args.connection, texts, args.script, opts);
}

/** One phase of the on-node program; its payload travels on stdin, as a secret, sealed where it holds secrets. */
export function remotePhase<N extends PhaseName>(
  name: string,
  args: {
    readonly phase: N;
    readonly connection: ConnectionArgs;
    /** Directory name of the on-node program that the bootstrap has put there. */
    readonly programId: string;
    readonly payload: PayloadInput<PhaseTypes[N]["payload"]>;
    readonly sealing?: Sealing;
    /** What `refresh` saw of the phase's subject; makes the phase run again where it drifted. */
    readonly observation: Observation;
  },
  opts: pulumi.CustomResourceOptions,
): RemotePhase<PhaseTypes[N]["result"]> {
  const { phase, programId, observation } = args;
  const update = programCommand(programId, phase, "apply", "provisioned");
  const texts = {
    create: programCommand(programId, phase, "apply", "first contact"),
    update: observation
      .repeatsOf(phase)
      .apply((count) => (count === 0 ? update : repeatedCommand(programId, phase, count))),
    ...(REMOVABLE.has(phase) ? { delete: programCommand(programId, phase, "remove", "provisioned") } : {}),
  };
  const plain = pulumi.secret(args.payload).apply((payload) => JSON.stringify(payload));
  const stdin = args.sealing === undefined ? plain : sealedText(plain, args.sealing);
  return command(name, phase, args.connection, texts, stdin, opts);
}
