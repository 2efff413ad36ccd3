import { lengthAt, textAt } from "./read.ts";
import { placeOf, secretOf } from "./reference.ts";
import { AGENT, GATEWAY, NODE, OTHER_STACK, PRINCIPAL, type Resource } from "./resource.ts";

/** One place that a secret is used at; a field is undefined where the resource does not say. */
export interface Use {
  /** Of the resource that declares it. */
  readonly urn: string;
  readonly name: string;
  /** `principal`: not a secret, but what somebody signs in as: a role at a manager, a public SSH key. */
  readonly track: "gateway" | "provider" | "identity" | "principal" | "login";
  readonly reference: string;
  readonly agent: string | undefined;
  readonly gateway: string | undefined;
  readonly node: string | undefined;
  readonly environment: string | undefined;
  /** Full name of the other stack whose ledger has it; undefined for this stack's own. */
  readonly stack: string | undefined;
}

/** Where the secrets of a node's own identity are named, below `nodeIdentity`. */
const IDENTITY_SECRETS = [
  ["vault", "secretId"],
  ["aws", "credentials", "secretAccessKey"],
] as const;

/** Names that nodes sign in with, as references of our own. */
function principals(props: unknown): readonly string[] {
  const named = (scheme: string, ...parts: (string | undefined)[]): string[] =>
    parts.includes(undefined) ? [] : [`${scheme}://${parts.join("/")}`];
  return [
    ...named(
      "vault-role",
      textAt(props, "nodeIdentity", "vault", "address"),
      textAt(props, "nodeIdentity", "vault", "roleId"),
    ),
    ...named("aws-access-key", textAt(props, "nodeIdentity", "aws", "credentials", "accessKeyId")),
  ];
}

/** Several values by key, each under the URN it came from. */
class Index<T> {
  readonly #byKey = new Map<string, Map<string, T>>();

  put(key: string | undefined, id: string, value: T): void {
    if (key === undefined) return;
    const found = this.#byKey.get(key) ?? new Map<string, T>();
    this.#byKey.set(key, found.set(id, value));
  }

  drop(key: string, id: string): void {
    this.#byKey.get(key)?.delete(id);
  }

  get(key: string): readonly T[] {
    return [...(this.#byKey.get(key)?.values() ?? [])];
  }
}

/**
 * The components of a stack, as far as they have been registered. A rule over several resources speaks up at the one that
 * completes the fault, so `up` stops before that one is touched. A resource that comes again (preview, then update, in
 * one process) replaces what it was.
 */
export class Fleet {
  readonly #nodes = new Index<Resource>();
  readonly #gateways = new Index<Resource>();
  readonly #gatewaysOn = new Index<Resource>();
  readonly #agentsIn = new Index<Resource>();
  readonly #uses = new Index<Use>();
  readonly #usesAt = new Index<Use>();
  readonly #usesOf = new Map<string, readonly Use[]>();

  record(resource: Resource): void {
    const { urn, type, props } = resource;
    if (type === NODE) this.#nodes.put(textAt(props, "node"), urn, resource);
    if (type === GATEWAY) {
      this.#gateways.put(textAt(props, "gateway"), urn, resource);
      this.#gatewaysOn.put(textAt(props, "node"), urn, resource);
    }
    if (type === AGENT) this.#agentsIn.put(textAt(props, "gateway"), urn, resource);
    this.#recordUses(resource);
  }

  #recordUses(resource: Resource): void {
    for (const use of this.#usesOf.get(resource.urn) ?? []) {
      this.#uses.drop(secretOf(use.reference), idOf(use));
      this.#usesAt.drop(placeOf(use.reference), idOf(use));
    }
    const uses = this.#usesIn(resource);
    this.#usesOf.set(resource.urn, uses);
    for (const use of uses) {
      this.#uses.put(secretOf(use.reference), idOf(use), use);
      this.#usesAt.put(placeOf(use.reference), idOf(use), use);
    }
  }

  #usesIn({ urn, name, type, props }: Resource): readonly Use[] {
    const gateway = textAt(props, "gateway");
    const place = {
      urn,
      name,
      agent: textAt(props, "agent"),
      gateway,
      node: textAt(props, "node") ?? (gateway === undefined ? undefined : this.nodeOf(gateway)),
      environment: textAt(props, "environment"),
      stack: undefined,
    };
    const use = (track: Use["track"], reference: string | undefined): Use[] =>
      reference?.includes("://") === true ? [{ ...place, track, reference }] : [];
    switch (type) {
      case NODE:
        return [
          ...use("login", textAt(props, "connection", "privateKeyRef")),
          ...use("login", textAt(props, "connection", "jump", "privateKeyRef")),
        ];
      case GATEWAY:
        return [
          ...use("gateway", textAt(props, "token", "ref")),
          ...IDENTITY_SECRETS.flatMap((path) => use("identity", textAt(props, "nodeIdentity", ...path))),
          ...principals(props).flatMap((reference) => use("principal", reference)),
        ];
      case OTHER_STACK: {
        const stack = textAt(props, "stack") ?? name;
        return Array.from({ length: lengthAt(props, "credentials") }, (_, index): Use[] => {
          const at = (key: string): string | undefined => textAt(props, "credentials", index, key);
          const reference = at("ref");
          if (reference === undefined) return [];
          const [gateway, agent] = (at("principal") ?? "").split("/");
          const track = at("track") === "provider" ? "provider" : "gateway";
          const names = { name: `${stack} ${at("principal") ?? ""}`, gateway: `${stack} ${gateway ?? ""}`, agent };
          return [{ ...place, ...names, environment: at("environment"), stack, track, reference }];
        }).flat();
      }
      case PRINCIPAL: {
        const key = textAt(props, "publicKey");
        return key === undefined ? [] : use("principal", `ssh-key://${key.split(" ").slice(0, 2).join("/")}`);
      }
      case AGENT:
        return Array.from({ length: lengthAt(props, "credentials") }, (_, index) =>
          use("provider", textAt(props, "credentials", index, "ref")),
        ).flat();
      default:
        return [];
    }
  }

  /** The secrets that a resource uses. */
  usesOf(resource: Resource): readonly Use[] {
    return this.#usesOf.get(resource.urn) ?? [];
  }

  /** Every use of the secret that a reference points at. */
  usesOfSecret(reference: string): readonly Use[] {
    return this.#uses.get(secretOf(reference));
  }

  /** Every use of what is kept at the place that a reference names. */
  usesAtPlace(reference: string): readonly Use[] {
    return this.#usesAt.get(placeOf(reference));
  }

  gateway(name: string): Resource | undefined {
    return this.#gateways.get(name)[0];
  }

  nodeOf(gateway: string): string | undefined {
    return textAt(this.gateway(gateway)?.props, "node");
  }

  node(name: string): Resource | undefined {
    return this.#nodes.get(name)[0];
  }

  gatewaysOn(node: string): readonly Resource[] {
    return this.#gatewaysOn.get(node);
  }

  agentsIn(gateway: string): readonly Resource[] {
    return this.#agentsIn.get(gateway);
  }
}

function idOf({ urn, track, reference }: Use): string {
  return `${urn}\0${track}\0${reference}`;
}

function othersOf(own: Use, uses: readonly Use[]): readonly Use[] {
  return uses.filter((use) => idOf(use) !== idOf(own) && (own.stack === undefined || use.stack === undefined));
}

/** The others that use a secret which `resource` uses, by reference; what is among other stacks is their own affair. */
export function sharedWith(
  fleet: Fleet,
  resource: Resource,
): readonly { readonly own: Use; readonly others: readonly Use[] }[] {
  return fleet.usesOf(resource).map((own) => ({ own, others: othersOf(own, fleet.usesOfSecret(own.reference)) }));
}
