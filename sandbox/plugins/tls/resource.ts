import { isUnknown, peel, reveal, type WireObject } from "../shared/wire.ts";

/** One resource type of the stand-in. */
export interface ResourceKind {
  /** Inputs that the official plugin would refuse. */
  failures(news: WireObject): { property: string; reason: string }[];
  /** Properties that make a new resource necessary. */
  replaces(olds: WireObject, news: WireObject, now: Date): string[];
  /** Inputs that change in place. */
  readonly updates: readonly string[];
  create(inputs: WireObject, now: Date): Promise<{ readonly id: string; readonly outs: WireObject }>;
}

/** A property without its secret marks, or its default. */
export function field(properties: WireObject, name: string, defaults: Readonly<Record<string, unknown>> = {}): unknown {
  return reveal(properties[name]) ?? defaults[name];
}

/** Properties of which old and new differ, an absent one being its default. */
export function differing(
  names: readonly string[],
  olds: WireObject,
  news: WireObject,
  defaults: Readonly<Record<string, unknown>> = {},
): string[] {
  const same = (name: string): boolean =>
    JSON.stringify(field(olds, name, defaults)) === JSON.stringify(field(news, name, defaults));
  return names.filter((name) => !same(name));
}

/** A check of one property, which a value that is not known yet passes. */
export function refusal(
  news: WireObject,
  property: string,
  accepted: (value: unknown) => boolean,
  reason: string,
  defaults: Readonly<Record<string, unknown>> = {},
): { property: string; reason: string }[] {
  if (isUnknown(peel(news[property])) || accepted(field(news, property, defaults))) return [];
  return [{ property, reason }];
}
