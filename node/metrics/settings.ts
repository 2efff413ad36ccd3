import { gatewayName, integer, list, nullable, object, text, variableName } from "../lib/shape.ts";
import type { MetricsSettings } from "../protocol.ts";

export const metricsSettings = object<MetricsSettings>({
  intervalSeconds: integer(10, 3600),
  environment: text,
  credentials: list(
    object<MetricsSettings["credentials"][number]>({
      variable: variableName,
      agent: nullable(gatewayName),
      provider: nullable(text),
      rotateEveryDays: integer(1, 3650),
    }),
  ),
});
