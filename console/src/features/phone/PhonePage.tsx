import { useTranslation } from "react-i18next";
import { useSession } from "@/features/session";
import { EmptyState, Link, PageBody, PageHeader } from "@/ui";
import { Phone } from "./Phone";
import c from "./phone.module.css";

export function PhonePage() {
  const { t } = useTranslation();
  const { senders } = useSession();
  const sender = senders.find((one) => one.simulated);
  return (
    <>
      <PageHeader title={t("phone.title")} hint={t("phone.lead")} />
      {sender ? (
        <div className={c.page}>
          <Phone sender={sender} wide />
        </div>
      ) : (
        <PageBody>
          <EmptyState title={t("phone.none")} action={<Link to="/settings/senders">{t("phone.toSenders")}</Link>}>
            {t("phone.noneText")}
          </EmptyState>
        </PageBody>
      )}
    </>
  );
}
