import { Link as RouterLink } from "@tanstack/react-router";
import type { ReactNode } from "react";

type Props = {
  to: string;
  className?: string | undefined;
  children: ReactNode;
  "aria-label"?: string;
  "aria-current"?: "page" | undefined;
};

/** A link to a place of the console, by its address; the search part may be in it. */
export function Link({ to, children, ...rest }: Props) {
  const [path = "/", search = ""] = to.split("?");
  const params = Object.fromEntries(new URLSearchParams(search));
  return (
    <RouterLink to={path} search={params as never} {...rest}>
      {children}
    </RouterLink>
  );
}
