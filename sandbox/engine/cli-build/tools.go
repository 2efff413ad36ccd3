//go:build tools

// Package tools keeps the Pulumi CLI in go.mod, so that `go build` may run with -mod=readonly.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
