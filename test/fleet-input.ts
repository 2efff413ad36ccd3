import type { FleetInput } from "../spec/index.ts";

/** A public key of nobody: 32 zero bytes in OpenSSH form. */
export const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/** A valid fleet, made afresh so that each test can break it in one place. */
export function validFleet() {
  return {
    environments: [
      { name: "prod", kind: "prod" },
      { name: "staging", kind: "staging" },
    ],
    nodes: [
      {
        name: "box-1",
        platform: "linux",
        connection: { host: "192.0.2.10", user: "ops", hostKey: HOST_KEY, privateKey: "file:///keys/ops" },
        gateways: [
          {
            name: "team-a",
            environment: "prod",
            user: "oc-team-a",
            port: 18789,
            agents: [
              {
                id: "research",
                model: "anthropic/claude-opus-4-8",
                credentials: [{ provider: "anthropic", secret: "pulumi://research-anthropic" }],
              },
              {
                id: "builder",
                model: "anthropic/claude-opus-4-8",
                credentials: [{ provider: "anthropic", secret: "pulumi://builder-anthropic" }],
              },
            ],
          },
        ],
      },
    ],
  } satisfies FleetInput;
}
