// Command infra is the CDK app: the landing stack, and on request a sample database.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	architecture, err := architectureOf(app)
	staleAfter, wrong := staleAfterOf(app)
	if err = errors.Join(err, wrong); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(2)
	}
	artifacts, err := build("..", architecture, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
	artifacts.staleAfter = staleAfter
	newLandingStack(app, "Landfall", artifacts, &awscdk.StackProps{
		Env: environment(), Description: new("Landfall: one AWS Glue workflow per table, kept in sync with a catalog in S3"),
	})
	if contextValue(app, "sampleDatabase") == "true" {
		newSampleDatabaseStack(app, "LandfallSampleDatabase", &awscdk.StackProps{
			Env: environment(), Description: new("Landfall: a sample Aurora PostgreSQL with its secret and Glue connection"),
		})
	}
	app.Synth(nil)
}

// architectureOf reads -c architecture=arm64|x86_64; arm64, the cheaper one, by default.
func architectureOf(app awscdk.App) (string, error) {
	switch a := contextValue(app, "architecture"); a {
	case "", "arm64":
		return "arm64", nil
	case "x86_64":
		return a, nil
	default:
		return "", fmt.Errorf("-c architecture=%s: use arm64 or x86_64", a)
	}
}

// staleAfterOf reads -c staleHours=<n>: how many hours later than its schedule a table may land before it is stale.
func staleAfterOf(app awscdk.App) (string, error) {
	value := cmp.Or(contextValue(app, "staleHours"), "6")
	if hours, err := strconv.Atoi(value); err != nil || hours < 1 {
		return "", fmt.Errorf("-c staleHours=%s: use a whole number of hours, 1 or more", value)
	}
	return value + "h", nil
}

func contextValue(app awscdk.App, key string) string {
	s, _ := app.Node().TryGetContext(&key).(string)
	return s
}

// environment is the account and Region of the CLI's credentials, where there are any.
func environment() *awscdk.Environment {
	account, region := os.Getenv("CDK_DEFAULT_ACCOUNT"), os.Getenv("CDK_DEFAULT_REGION")
	if account == "" || region == "" {
		return nil
	}
	return &awscdk.Environment{Account: &account, Region: &region}
}
