import { CATALOGUE } from "./catalogue.ts";
import { excepted, exceptionsOf } from "./exceptions.ts";
import { Fleet } from "./fleet.ts";
import { ParameterError } from "./parameters.ts";
import type { Resource } from "./resource.ts";
import { hideTokens } from "./token-shapes.ts";

/** The rules that decide from what can be seen on a machine. */
const ON_NODE: ReadonlySet<string> = new Set([
  "GH201",
  "GH202",
  "GH204",
  "GH205",
  "GH206",
  "GH301",
  "GH302",
  "GH304",
  "GH305",
  "GH401",
  "GH402",
  "GH403",
  "GH404",
  "GH405",
  "GH601",
  "GH602",
  "GH603",
]);

export type Level = "advisory" | "mandatory";

export interface Finding {
  readonly rule: string;
  readonly level: Level;
  readonly resource: string;
  /** Title of the rule and what is wrong. */
  readonly message: string;
  readonly fix: string;
}

function levelOf(rule: string, given: unknown, normal: Level): Level | "disabled" {
  const level =
    typeof given === "string"
      ? given
      : (given as { readonly enforcementLevel?: unknown } | undefined)?.enforcementLevel;
  if (level === undefined) return normal;
  if (level === "advisory" || level === "mandatory" || level === "disabled") return level;
  throw new ParameterError(rule, "'enforcementLevel' is none of advisory, mandatory, disabled");
}

/** Title, fix and level of a rule, for a finding that is made elsewhere. */
export function ruleTexts(id: string): { readonly title: string; readonly fix: string; readonly level: Level } {
  const rule = CATALOGUE.find((one) => one.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return { title: rule.title, fix: rule.fix, level: rule.severity };
}

/**
 * The catalogue's rules on components whose inputs are what was seen on the machines.
 * @param config levels, parameters and exceptions by rule, as the pack takes them.
 * @throws {ParameterError} for a configuration that a rule does not take.
 */
export function judgeObserved(
  resources: readonly Resource[],
  config: Readonly<Record<string, unknown>>,
  now: Date,
): readonly Finding[] {
  const fleet = new Fleet();
  for (const resource of resources) fleet.record(resource);
  return CATALOGUE.filter(({ id }) => ON_NODE.has(id)).flatMap((rule) => {
    const given = config[rule.id];
    const level = levelOf(rule.id, given, rule.severity);
    if (level === "disabled") return [];
    const parameters = typeof given === "object" ? given : {};
    return resources.flatMap((resource) =>
      excepted(rule.judge(resource, parameters, { fleet, now }), resource.name, exceptionsOf(rule.id, given), now).map(
        (text) => ({
          rule: rule.id,
          level,
          resource: resource.name,
          message: hideTokens(`${rule.title}: ${text}`),
          fix: rule.fix,
        }),
      ),
    );
  });
}
