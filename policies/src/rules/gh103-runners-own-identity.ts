import { environmentKind } from "../environment.ts";
import { sharedWith, type Fleet } from "../fleet.ts";
import { Findings, type Problem } from "../read.ts";
import { shown } from "../reference.ts";
import { AGENT, GATEWAY, PRINCIPAL, type Resource } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** Principals that have the key of another one. */
function sharedKeys(resource: Resource, fleet: Fleet): readonly Problem[] {
  const found = new Findings(resource.props);
  found.needText("kind");
  if (found.needText("keySource") === "given") found.needText("publicKey");
  for (const { others } of sharedWith(fleet, resource))
    for (const { name } of others) found.add(`has the same SSH key as ${name}`, name);
  return found.problems;
}

export const gh103 = defineRule({
  id: "GH103",
  title: "Runners have an identity of their own",
  severity: "mandatory",
  reads:
    "`environmentKind` and the references of every `Gateway` and `Agent`; `nodeIdentity` of gateways in environments of kind `ci`; `keySource` and `publicKey` of every `Principal`",
  why: "A developer's key in CI cannot be rotated without stopping the developer, outlives the job, and makes every action of the pipeline look like that person's. Two runners with one identity cannot be told apart or revoked one by one.",
  source: "trap 4 of the field guide: a developer's key copied into CI breaks least privilege and rotation",
  fix: "issue a key and an identity for this runner, and keep it in a vault that people do not share",
  parameters: {
    environments: {
      kind: "texts",
      default: ["ci", "prod"],
      doc: "Kinds of environment in which no reference of a person is accepted",
    },
    personalReferences: {
      kind: "texts",
      default: ["env://", "file://", "op://Private/", "op://Personal/", "op://Employee/", "vault://dev/"],
      doc: "Beginnings of references that belong to a person or a developer's machine",
    },
  },
  check: (resource, { fleet, parameters }) => {
    if (resource.type === PRINCIPAL) return sharedKeys(resource, fleet);
    if (resource.type !== AGENT && resource.type !== GATEWAY) return [];
    const found = new Findings(resource.props);
    const kind = environmentKind(found, resource.props);
    if (kind === undefined) return found.problems;
    if (parameters.environments.includes(kind)) {
      for (const { reference } of fleet.usesOf(resource)) {
        if (parameters.personalReferences.some((start) => reference.startsWith(start)))
          found.add(`${shown(reference)} is a person's, and the environment is of kind ${kind}`);
      }
    }
    if (kind !== "ci") return found.problems;
    for (const { own, others } of sharedWith(fleet, resource)) {
      if (own.track !== "principal" && own.track !== "identity") continue;
      for (const { name, track } of others)
        if (track === own.track && name !== resource.name) found.add(`signs in to its manager as ${name} does`, name);
    }
    return found.problems;
  },
});
