import type { MetricsSettings } from "../protocol.ts";
import type { Sample, Samples } from "./catalogue.ts";
import { MISSING_REASONS, REFUSED_CAUSES, REFUSED_REASONS } from "./classify.ts";
import { labelsOf } from "./count.ts";
import type { Observation } from "./observe.ts";
import type { Counts, MetricsState } from "./state.ts";

const DAY_SECONDS = 24 * 60 * 60;

/** Of a gateway with a token: exposed as 0 from the beginning, so that the first failure is an increase. */
const USUAL_GATEWAY_REASONS = [
  "token_mismatch",
  "token_missing",
  "rate_limited",
  "bootstrap_token_invalid",
  ...REFUSED_CAUSES.slice(0, 4).map((cause) => cause.replaceAll("-", "_")),
];

type Credential = MetricsSettings["credentials"][number];

const seconds = (date: string): number => Date.parse(date) / 1000;

function credentialLabels({ agent, provider }: Credential): Record<string, string> {
  return { track: provider === null ? "gateway" : "provider", agent: agent ?? "", provider: provider ?? "" };
}

/**
 * Everything that is known of a gateway as samples. What could not be found out has no sample: never a value that would
 * count as fine.
 */
export function samplesOf(
  gateway: string,
  settings: MetricsSettings,
  state: MetricsState,
  observed: Observation,
): Samples {
  const one = (value: number, labels: Readonly<Record<string, string>> = {}): Sample => ({
    labels: { gateway, ...labels },
    value,
  });
  const gauge = (value: number | null): Sample[] => (value === null ? [] : [one(value)]);
  const counter = (counts: Counts, names: readonly string[], usual: readonly (readonly string[])[]): Sample[] => {
    const zeros = Object.fromEntries(usual.map((labels) => [labels.join("\n"), 0]));
    return Object.entries({ ...zeros, ...counts }).map(([key, value]) => {
      const values = labelsOf(key);
      return one(value, Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""])));
    });
  };
  const { live } = observed;
  const providerKeys = settings.credentials.filter(({ provider }) => provider !== null);
  const usual = [...REFUSED_REASONS, ...MISSING_REASONS].flatMap((reason) =>
    providerKeys.map(({ agent, provider }) => [agent ?? "", provider ?? "", reason]),
  );
  const dated = settings.credentials.flatMap((credential) => {
    const rotated = observed.rotated?.get(credential.variable);
    return rotated === undefined ? [] : [{ credential, rotated: seconds(rotated) }];
  });
  return {
    gatehouse_gateway_info:
      live === null
        ? []
        : [
            one(1, {
              environment: settings.environment,
              generation: live.generation,
              openclaw_version: live.openclawVersion,
            }),
          ],
    gatehouse_gateway_up: [one(observed.ready ? 1 : 0)],
    gatehouse_gateway_starts_total: [one(state.starts)],
    gatehouse_gateway_restarts_total: [one(state.restarts)],
    gatehouse_gateway_auth_failures_total: counter(state.gatewayFailures, ["reason"], USUAL_GATEWAY_REASONS.map((reason) => [reason])), // prettier-ignore
    gatehouse_provider_auth_failures_total: counter(state.providerFailures, ["agent", "provider", "reason"], usual),
    gatehouse_provider_refused_requests_total: counter(state.refusedRequests, ["provider", "status"], providerKeys.map(({ provider }) => [provider ?? "", "401"])), // prettier-ignore
    gatehouse_credential_degraded: settings.credentials.flatMap((credential) => {
      const { agent, provider, variable } = credential;
      const reported = provider !== null && state.degraded.includes(`${provider}:${agent ?? ""}`);
      const carried = observed.carried?.get(variable);
      if (!reported && carried === undefined) return [];
      return [one(reported || carried === false ? 1 : 0, credentialLabels(credential))];
    }),
    gatehouse_credential_age_seconds: dated.map(({ credential, rotated }) =>
      one(Math.max(0, Math.round(seconds(observed.time) - rotated)), credentialLabels(credential)),
    ),
    gatehouse_credential_rotation_due_timestamp_seconds: dated.map(({ credential, rotated }) =>
      one(rotated + credential.rotateEveryDays * DAY_SECONDS, credentialLabels(credential)),
    ),
    gatehouse_certificate_not_after_timestamp_seconds: gauge(
      live?.certificateEnd === undefined ? null : seconds(live.certificateEnd),
    ),
    gatehouse_drift_deviations: Object.entries(observed.drift ?? {}).map(([kind, value]) => one(value, { kind })),
    gatehouse_metrics_source_up: Object.entries(observed.sources).map(([source, up]) => one(up ? 1 : 0, { source })),
    gatehouse_metrics_unparsed_entries_total: [one(state.unparsed)],
    gatehouse_metrics_last_run_timestamp_seconds: [one(seconds(observed.time))],
    gatehouse_metrics_interval_seconds: [one(settings.intervalSeconds)],
  };
}
