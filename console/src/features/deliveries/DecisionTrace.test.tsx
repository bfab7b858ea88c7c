import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { show } from "@/test/show";
import { DecisionTrace } from "./DecisionTrace";

it("says why in words, and where the rules stopped", async () => {
  show(
    <DecisionTrace
      decision={{
        ruleset: "2026-12",
        decided_at: "2026-11-22T19:38:00Z",
        outcome: "exclude",
        reason: "opted_out",
        until: null,
        summary: "The person has withdrawn their consent.",
        rules: [
          { rule: "brake", passed: true, fact: false, words: "the brake is off" },
          { rule: "consent", passed: false, fact: "withdrawn@1", words: "consent withdrawn" },
        ],
      }}
    />,
  );
  expect(await screen.findByText("It is excluded")).toBeInTheDocument();
  expect(screen.getByText("Consent was withdrawn")).toBeInTheDocument();
  const [brake, consent] = screen.getAllByRole("listitem");
  expect(within(brake as HTMLElement).getByRole("img", { name: "Passed" })).toBeInTheDocument();
  expect(within(consent as HTMLElement).getByRole("img", { name: "Stopped here" })).toBeInTheDocument();
});
