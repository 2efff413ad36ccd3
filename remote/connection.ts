import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { hostKeySchema } from "../spec/index.ts";

/** One SSH server and how to log in there. */
export interface EndpointArgs {
  /** DNS name or address. */
  readonly host: pulumi.Input<string>;
  /** TCP port of sshd; default 22. */
  readonly port?: pulumi.Input<number>;
  /** Login that is root or may use `sudo -n`; default `root`. */
  readonly user?: pulumi.Input<string>;
  /** The server's public key, ed25519 or ecdsa, in `authorized_keys` form. */
  readonly hostKey: pulumi.Input<string>;
  /** Private key in OpenSSH or PEM form, kept secret; default: the operator's SSH agent. */
  readonly privateKey?: pulumi.Input<string>;
  /** Where `privateKey` is kept, as in a fleet (`pulumi://KEY`): policies see that no agent has the same key. */
  readonly privateKeyRef?: string;
}

export interface ConnectionArgs extends EndpointArgs {
  /** One jump host, with a host key of its own. */
  readonly jump?: EndpointArgs;
}

/** Seconds for TCP to connect. */
const DIAL_SECONDS = 15;

/**
 * The key without its comment. Checked here for whoever computed it: for an empty one the provider would accept any server.
 * @throws {pulumi.RunError} for what is no whole ed25519 or ecdsa public key.
 */
export function pinnedHostKey(hostKey: string): string {
  const checked = hostKeySchema.safeParse(hostKey);
  if (checked.success) return checked.data;
  throw new pulumi.RunError(`connection.hostKey: ${checked.error.issues.map(({ message }) => message).join("; ")}`);
}

/** No retries: the provider would repeat a refused login and a wrong host key as well (docs/decisions/0005). */
function endpoint(args: EndpointArgs) {
  return {
    host: args.host,
    port: pulumi.output(args.port ?? 22),
    user: pulumi.output(args.user ?? "root"),
    hostKey: pulumi.output(args.hostKey).apply(pinnedHostKey),
    dialErrorLimit: 0,
    perDialTimeout: DIAL_SECONDS,
    ...(args.privateKey === undefined ? {} : { privateKey: pulumi.secret(args.privateKey) }),
  };
}

/** The connection block of a remote command, field by field: the provider prints the whole block for an unknown field. */
export function connectionInput(args: ConnectionArgs): types.input.remote.ConnectionArgs {
  return { ...endpoint(args), ...(args.jump === undefined ? {} : { proxy: endpoint(args.jump) }) };
}
