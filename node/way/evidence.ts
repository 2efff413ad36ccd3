import type { TailscaleEvidence } from "./tailscale.ts";

/** What one look at the node's end of an outside route needs. */
export interface WayPayload {
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly unit: string;
  /** What the operator's side wrote into the User-Agent of its WebSocket upgrades; no secret. */
  readonly marks: readonly string[];
  /** SECRET of this one run: the tokens of paired devices are compared by what it makes of them. */
  readonly comparisonKey: string;
}

/** A WebSocket upgrade as the gateway saw it, from its own log. */
export interface Arrival {
  readonly mark: string;
  /** Address of whoever opened the connection: the client, or the last proxy. */
  readonly remote: string;
  /** X-Forwarded-For; null without one. */
  readonly forwardedFor: string | null;
  /** Host header; null without one. */
  readonly host: string | null;
}

/** A device as the gateway's own database has it; no token. */
export interface PairedDevice {
  readonly id: string;
  /** Keyed fingerprints of its tokens (`comparisonKey`), by role. */
  readonly tokens: Readonly<Record<string, string>>;
}

export interface DevicesEvidence {
  readonly paired: readonly PairedDevice[];
  /** Devices that wait for an approval, with the id of the request. */
  readonly pending: readonly { readonly id: string; readonly request: string }[];
}

/** How the gateway is meant to be reached, from its `openclaw.json`; null where that says nothing. */
export interface ExposureEvidence {
  readonly bind: string | null;
  readonly tailscaleMode: string | null;
  readonly allowTailscale: boolean | null;
}

/** The node's end of an outside route. `null` means "could not be found out". */
export interface WayEvidence {
  /** Of the node's interfaces, loopback included. */
  readonly addresses: readonly string[];
  /** Which of the marks came through; null when the log can't be read. */
  readonly arrivals: readonly Arrival[] | null;
  readonly devices: DevicesEvidence | null;
  readonly exposure: ExposureEvidence | null;
  readonly tailscale: TailscaleEvidence;
}
