import { MutationCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { router } from "@/app/router";
import { startLanguages } from "@/i18n";
import { ApiProblem } from "@/lib/http";
import { Provider } from "@/ui";

const cache = new QueryClient({
  mutationCache: new MutationCache(),
  defaultOptions: {
    queries: {
      staleTime: 5000,
      refetchOnWindowFocus: true,
      retry: (tries, error) => tries < 2 && error instanceof ApiProblem && (error.status === 0 || error.status >= 500),
    },
  },
});

const root = document.getElementById("root");
if (root) {
  void startLanguages().then(() =>
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={cache}>
          <Provider>
            <RouterProvider router={router} />
          </Provider>
        </QueryClientProvider>
      </StrictMode>,
    ),
  );
}
