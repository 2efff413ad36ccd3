import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { keyFingerprint } from "../node/access/authorized-keys.ts";
import type { PrincipalSpec } from "../spec/index.ts";

/** A CI runner or a person with an SSH key of its own, which no agent and no other principal has. */
export class Principal extends pulumi.ComponentResource {
  /** Type and key, no comment. */
  readonly publicKey: pulumi.Output<string>;
  /** Secret; undefined when the principal brought a key of its own. In OpenSSH's format. */
  readonly privateKey: pulumi.Output<string> | undefined;
  /** `SHA256:…`, as OpenSSH shows it. */
  readonly fingerprint: pulumi.Output<string>;

  constructor(name: string, spec: PrincipalSpec, opts?: pulumi.ComponentResourceOptions) {
    super(
      "gatehouse:index:Principal",
      `${name}-principal`,
      {
        principal: name,
        kind: spec.kind,
        environment: spec.environment,
        keyVersion: spec.keyVersion,
        rotateEveryDays: spec.rotateEveryDays,
        keySource: spec.publicKey === undefined ? "generated" : "given",
        ...(spec.publicKey === undefined ? {} : { publicKey: spec.publicKey }),
      },
      opts,
    );
    const made =
      spec.publicKey === undefined
        ? new tls.PrivateKey(`${name}-key-${spec.keyVersion}`, { algorithm: "ED25519" }, { parent: this })
        : undefined;
    this.publicKey =
      made === undefined
        ? pulumi.output(spec.publicKey ?? "")
        : made.publicKeyOpenssh.apply((key) => key.trim().split(" ").slice(0, 2).join(" "));
    this.privateKey = made && pulumi.secret(made.privateKeyOpenssh);
    this.fingerprint = this.publicKey.apply(keyFingerprint);
    this.registerOutputs({ fingerprint: this.fingerprint });
  }
}
