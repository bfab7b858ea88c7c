import { useTranslation } from "react-i18next";
import { Button, ErrorState, Link, PageBody, PageHeader } from "@/ui";
import c from "./app.module.css";

export const ErrorBox = ({ error, onRetry }: { error: unknown; onRetry?: () => void }) => (
  <div className={c.errorBox}>
    <ErrorState error={error} {...(onRetry && { onRetry })} />
  </div>
);

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("error.notFoundTitle")} />
      <PageBody>
        <p>{t("error.notFoundText")}</p>
        <p>
          <Link to="/">{t("error.home")}</Link>
        </p>
      </PageBody>
    </>
  );
}

export function ErrorPage({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("error.pageTitle")} />
      <PageBody>
        <ErrorBox error={error} />
        <div>
          <Button onClick={() => location.reload()}>{t("error.reload")}</Button>
        </div>
      </PageBody>
    </>
  );
}
