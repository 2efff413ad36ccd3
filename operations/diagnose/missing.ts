import { isUnreachable } from "../visit/connect.ts";
import type { Evidence } from "./evidence.ts";
import type { RouteEvidence } from "./route/evidence.ts";

/** Everything that has to be known before a gateway may be called healthy and is not; in words. Pure. */
export function missingValues({ node, expected, here, client, clockAhead, frozen, route }: Evidence): string[] {
  if (isUnreachable(node)) return ["the node"];
  const { gateway } = node;
  if (gateway === null) return ["the gateway, as its user sees it"];
  const { unit, generation, session, gatewayStatus, config, models, lint, identities, log } = gateway;
  const asked = frozen.agent === null ? expected.agents : [frozen.agent];
  const absent: readonly (readonly [boolean, string])[] = [
    [node.lingers === null, "whether the user lingers"],
    [node.freeBytes === null || node.freeInodes === null, "the free space of the disk"],
    [clockAhead === null, "the node's clock"],
    [unit === null, "the unit's state"],
    [unit !== null && unit.active === "active" && unit.startedAt === null, "since when the process runs"],
    [generation === null, "the live generation"],
    [gateway.configToken === null, "what the configuration says of the token"],
    [gateway.files.length === 0, "modes and owners of the files"],
    [session.token === null, "what the gateway answers to its token"],
    [
      session.token === "no answer" || session.token === "another answer",
      `whether the token is accepted (${session.token ?? ""})`,
    ],
    [session.version === null, "which version answers"],
    [gatewayStatus?.rpcOk !== true && gatewayStatus?.rpcOk !== false, "openclaw gateway status"],
    [
      gatewayStatus?.seesService !== false && gatewayStatus?.loaded !== true,
      "whether the vendor sees the service as loaded",
    ],
    [gatewayStatus?.seesService === true && gatewayStatus.auditIssues === null, "the vendor's audit of the service"],
    [typeof config?.valid !== "boolean", "openclaw config validate"],
    [lint === null || (lint.status !== 0 && lint.findings.length === 0), "openclaw doctor --lint"],
    [identities === null || !identities.some(({ who }) => who === "serving"), "which Node serves"],
    [
      identities === null || !identities.some(({ who, program }) => who === "unit" && program === "node"),
      "the unit's PATH",
    ],
    [log === null, "the unit's log"],
    [here === null, "the gateway through the SSH tunnel"],
    [client?.state === "unreadable", "this client's configuration"],
    [client?.state === "reference", "the token of this client, which is a reference"],
    [
      client?.state === "set" &&
        (client.answer === null || client.answer === "no answer" || client.answer === "another answer"),
      "what the gateway answers to this client's token",
    ],
  ];
  return [
    ...missingOfRoute(route),
    ...absent.flatMap(([is, what]) => (is ? [what] : [])),
    ...asked
      .filter((agent) => !models.some((found) => found.agent === agent && found.status !== null))
      .map((agent) => `openclaw models status of agent ${agent}`),
    ...Object.keys(expected.fingerprints)
      .filter(
        (name) =>
          !gateway.variables.some(
            // what a process read from a file is not to be seen: that the file is the delivered one has to do
            ({ variable, carrier, sources }) =>
              variable === name &&
              (sources.process !== null || (carrier === "key file" && sources.environmentFile === "same")),
          ),
      )
      .map((name) => `what the process has in ${name}`),
    ...gateway.gaps.map((gap) => `${gap} could not be read`),
  ].filter((what, index, all) => all.indexOf(what) === index);
}

/** Of an outside way: whatever has to be known before it may be called fine. */
function missingOfRoute(route: RouteEvidence | null): string[] {
  if (route === null) return [];
  const { address, wire, proof, token, tokenWithheld, way, client, tailscale } = route;
  const ofTailnet = /\.ts\.net\.?$/.test(address.host);
  const withheld = tokenWithheld !== null && (address.tls || address.hostKind === "loopback");
  const absent: readonly (readonly [boolean, string])[] = [
    [wire.healthz === null || wire.readyz === null || wire.upgrade === null, `what answers at ${address.url}`],
    [wire.readyz?.kind === "other" || wire.readyz?.kind === "not ready", `whether ${address.url} is ready`],
    [proof === "unknown", `whether ${address.url} leads to this gateway`],
    [withheld, `whether Authorization gets through ${address.url}: ${tokenWithheld ?? ""}`],
    [
      token !== null && token.kind !== "token accepted" && token.kind !== "unauthorized",
      `whether Authorization gets through ${address.url} (${token?.kind ?? ""})`,
    ],
    [way === null, "the node's end of the way"],
    [way !== null && way.devices === null, "the devices that the gateway has paired"],
    [way !== null && way.exposure === null, "how the gateway's configuration exposes it"],
    [client === null && route.clientUnreadable, "the device of this client"],
    [ofTailnet && (tailscale.binary !== "answers" || tailscale.self === null), "Tailscale of this machine"],
    [ofTailnet && way !== null && way.tailscale.self === null, "Tailscale of the node"],
  ];
  return absent.flatMap(([is, what]) => (is ? [what] : []));
}
