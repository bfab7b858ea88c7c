import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { server } from "@/test/server";
import { show } from "@/test/show";
import { SignInForm } from "./SignIn";

it("keeps what was typed when the password is wrong, and says nothing about the member", async () => {
  server.use(
    http.post("*/v1/session", () =>
      HttpResponse.json({ code: "wrong_credentials", title: "no", status: 401 }, { status: 401 }),
    ),
  );
  show(<SignInForm />);
  await userEvent.type(await screen.findByLabelText(/E-mail address/), "marta@example.com");
  await userEvent.type(screen.getByLabelText(/^Password/), "not the one");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("E-mail address or password is wrong");
  expect(alert).toHaveFocus();
  expect(screen.getByLabelText(/E-mail address/)).toHaveValue("marta@example.com");
});

it("says how long to wait after too many attempts", async () => {
  server.use(
    http.post("*/v1/session", () =>
      HttpResponse.json(
        { code: "too_many_attempts", title: "slow", status: 429 },
        { status: 429, headers: { "Retry-After": "42" } },
      ),
    ),
  );
  show(<SignInForm />);
  await userEvent.type(await screen.findByLabelText(/E-mail address/), "a@b.nl");
  await userEvent.type(screen.getByLabelText(/^Password/), "x{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("Wait 42 seconds");
});
