import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { type Me, SessionProvider } from "@/features/session";
import { Provider } from "@/ui";

export const ME: Me = {
  member: {
    id: "m1",
    name: "Marta Oliveira",
    email: "marta@example.com",
    language: "en",
    theme: "system",
    roles: ["admin"],
    shortcuts: true,
  },
  key: null,
  rights: ["*"],
  workspace: {
    id: "w1",
    name: "Harbour Tea",
    timezone: "Europe/Amsterdam",
    currency: "EUR",
    default_language: "en",
    default_country: "NL",
    brake: false,
    allow_list_on: false,
  },
  workspaces: [],
  senders: [
    {
      id: "s1",
      name: "Harbour Tea",
      phone_number: "+447700900000",
      state: "active",
      simulated: true,
      quality: "green",
    },
  ],
  csrf_token: "token",
  limits: {},
  version: "0.1.0",
};

/** Render a part as a signed-in member sees it. */
export function show(part: ReactNode, me: Me = ME) {
  const root = createRootRoute({ component: () => <SessionProvider me={me}>{part}</SessionProvider> });
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: ["/"] }) });
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={cache}>
      <Provider>
        <RouterProvider router={router as never} />
      </Provider>
    </QueryClientProvider>,
  );
}
