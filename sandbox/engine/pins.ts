/** Resource hooks exist since 3.182, component inputs in policies since 3.202. */
export const MINIMUM_CLI = [3, 203, 0] as const;

/** Official release of the CLI with its language hosts. SHA-256 as recorded by nixpkgs (pulumi-bin/data.nix). */
export const OFFICIAL_CLI = {
  version: "3.221.0",
  baseUrl: "https://get.pulumi.com/releases/sdk",
  sha256: {
    "linux-x64": "fe736f91b4153f94f859870e34dda01e648552c25f702c8a42282acf3a5db9ad",
    "linux-arm64": "baaf077a8b851da4fd1f6434860b56fec43f877709fe5a22ed3bbd335af57a37",
    "darwin-x64": "6c275ff21c2a2790dc4ac9536be745f0fa65b9eab32e5dc896d1e4cd79fafb6b",
    "darwin-arm64": "4d3024f24131440cacc9d04cf9a19dc673c821216fe5fec848d1ce5af0c06092",
  },
} as const;

/** The CLI as a Go module; every module below it is pinned by cli-build/go.sum. */
export const CLI_MODULE = {
  version: "3.250.0",
  package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  versionVariable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
  minimumGo: [1, 25, 11],
} as const;

/** Go itself as a module (`golang.org/toolchain`); SHA-256 of the zip that the module proxy serves. */
export const GO_TOOLCHAIN = {
  version: "1.26.8",
  sha256: {
    "linux-x64": "30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7",
    "linux-arm64": "02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99",
    "darwin-x64": "fe99a2009e5bb51e06d7784f1a486478673512041c2671157bd382806e2aedcf",
    "darwin-arm64": "0aad5fb52b88498885290178adc0bcfe429bc63012621af9f83282eb640bd9c7",
  },
} as const;

/** Provider plugins that the program's SDK packages ask for. */
export const OFFICIAL_PLUGINS = { command: "1.2.1", tls: "5.6.1" } as const;

export type Platform = keyof (typeof OFFICIAL_CLI)["sha256"];

/** This machine, if the pins cover it. */
export function currentPlatform(): Platform | undefined {
  const name = `${process.platform}-${process.arch}`;
  return name in OFFICIAL_CLI.sha256 ? (name as Platform) : undefined;
}
