import { Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "./Link";
import c from "./ui.module.css";

type Props = {
  title: string;
  crumb?: { label: string; to: string };
  status?: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
  before?: ReactNode;
};

/** The sticky head of a page. Its heading takes the focus when the route changes, so that the change is read out. */
export function PageHeader({ title, crumb, status, hint, actions, before }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = [title, crumb?.label, "Sojourn"].filter(Boolean).join(" · ");
  }, [title, crumb?.label]);
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.closest("nav")) heading.current?.focus();
  }, []);
  return (
    <header className={c.head}>
      {before}
      <div className={c.headText}>
        {crumb && (
          <div className={c.crumb}>
            <Link to={crumb.to}>{crumb.label}</Link>
          </div>
        )}
        <div className={c.headLine}>
          <Title order={1} ref={heading} tabIndex={-1} className={c.h1}>
            {title}
          </Title>
          {status}
        </div>
        {hint && <p className={c.hint}>{hint}</p>}
      </div>
      {actions && <div className={c.headActions}>{actions}</div>}
    </header>
  );
}

export const PageBody = ({ children, narrow }: { children: ReactNode; narrow?: boolean }) => (
  <div className={`${c.body} scroll`} data-narrow={narrow || undefined}>
    <div className={c.bodyInner}>{children}</div>
  </div>
);
