import { useTranslation } from "react-i18next";
import { Moment } from "@/features/session";
import { Badge, CopyText, Link } from "@/ui";
import type { DeliveryDetail } from "./api";
import c from "./deliveries.module.css";

/** Each call to the channel, what came back, and what to do about it. */
export function Attempts({ attempts }: { attempts: DeliveryDetail["attempts"] }) {
  const { t } = useTranslation();
  if (attempts.length === 0) return <p className={c.hint}>{t("delivery.noAttempts")}</p>;
  return (
    <ol className={c.attempts}>
      {attempts.map((attempt) => (
        <li key={attempt.id}>
          <div className={c.attemptHead}>
            <b>{t("delivery.attempt", { number: attempt.number })}</b>
            <Badge
              tone={
                attempt.error_code
                  ? "danger"
                  : attempt.state === "accepted" || attempt.result === "accepted"
                    ? "good"
                    : "muted"
              }
            >
              {t(`attempt.${attempt.result ?? attempt.state}`, { defaultValue: attempt.result ?? attempt.state })}
            </Badge>
            <Moment at={attempt.dispatched_at} />
          </div>
          {attempt.error_code !== null && (
            <p>
              <Link to={`/errors?code=${attempt.error_code}`}>{attempt.error_code}</Link> {attempt.error_title}
              {attempt.error_details && <span className={c.hint}> {attempt.error_details}</span>}
            </p>
          )}
          {attempt.provider_message_id && <CopyText value={attempt.provider_message_id} />}
        </li>
      ))}
    </ol>
  );
}
