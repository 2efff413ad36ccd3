/** The engine or one of its plugins can't be made ready. `fix` says what the operator can do. */
export class EngineError extends Error {
  override readonly name: string = "EngineError";
  readonly fix: string;

  constructor(message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.fix = fix;
  }
}

/** A source could not be reached or refused the request; another source may do. */
export class DownloadUnavailable extends EngineError {
  override readonly name = "DownloadUnavailable";

  constructor(url: string, reason: string) {
    super(`${url} can't be downloaded: ${reason}`, "check the network or the proxy variables (HTTPS_PROXY, NO_PROXY)");
  }
}

/** The bytes received are not the pinned ones. Never answered by another source: it may be an attack. */
export class ChecksumMismatch extends EngineError {
  override readonly name = "ChecksumMismatch";

  constructor(url: string, expected: string, received: string) {
    super(
      `${url} has SHA-256 ${received}, pinned is ${expected}; nothing was installed`,
      "find out what answers for this address (a proxy's block page?), or install `pulumi` by other means and put it on PATH",
    );
  }
}
