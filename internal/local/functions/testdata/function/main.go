// Command function is the Lambda function of the tests: its event says what it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do    string
	Bytes int
	// Wait is a file to wait for: the test creates it.
	Wait string
}

type answer struct {
	PID      int
	Count    int
	Env      []string
	Deadline time.Time
	ARN      string
	Text     string
}

// notThere is an error with a type of its own, as Landfall's are.
type notThere struct{}

func (notThere) Error() string { return "it is not there" }

func main() {
	if os.Getenv("DIE_AT_START") != "" {
		fmt.Println("dying")
		os.Exit(7)
	}
	count := 0
	lambda.Start(func(ctx context.Context, e event) (answer, error) {
		count++
		fmt.Println("doing", e.Do)
		switch e.Do {
		case "fail":
			return answer{}, notThere{}
		case "failPlain":
			return answer{}, errors.New("plain")
		case "panic":
			panic("ouch")
		case "exit":
			os.Exit(3)
		case "hang":
			select {}
		case "wait":
			for !exists(e.Wait) {
				time.Sleep(5 * time.Millisecond)
			}
		}
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		return answer{os.Getpid(), count, os.Environ(), deadline, lc.InvokedFunctionArn, strings.Repeat("x", e.Bytes)}, nil
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
