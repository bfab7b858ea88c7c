import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment, useMay } from "@/features/session";
import {
  Button,
  Card,
  ConfirmDialog,
  ErrorState,
  IconCircleCheck,
  IconShieldCheck,
  IconShieldOff,
  LoadingState,
  Modal,
  Note,
  type Tone,
} from "@/ui";
import { type LineOut, type ScopeOut, useConsents, useWriteConsent } from "./api";
import { Evidence } from "./Evidence";
import { GrantDialog } from "./GrantDialog";
import c from "./profiles.module.css";

const TONE: Record<ScopeOut["state"], Tone> = {
  granted: "good",
  withdrawn: "danger",
  pending: "warn",
  expired: "muted",
  none: "muted",
};
const keyOf = (scope: { channel: string; purpose: string; topic: string }) =>
  `${scope.channel}-${scope.purpose}-${scope.topic}`;

/** What a person agreed to, since when, by what, and the proof. */
export function ConsentCard({ profileId }: { profileId: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const consents = useConsents(profileId);
  const [granting, setGranting] = useState(false);
  const [proof, setProof] = useState<LineOut[] | null>(null);
  const write = may("consents.write");
  return (
    <Card
      title={t("consent.title")}
      action={
        write && (
          <Button size="compact-sm" variant="default" onClick={() => setGranting(true)}>
            {t("consent.record")}
          </Button>
        )
      }
    >
      {consents.isPending && <LoadingState rows={3} />}
      {consents.error && <ErrorState error={consents.error} onRetry={() => void consents.refetch()} />}
      {consents.data && (
        <div className={c.scopes}>
          {consents.data.current.length === 0 && <p className={c.hint}>{t("consent.none")}</p>}
          {consents.data.current.map((scope) => (
            <Scope
              key={keyOf(scope)}
              profileId={profileId}
              scope={scope}
              write={write}
              onProof={() => setProof(consents.data.history.filter((line) => keyOf(line) === keyOf(scope)))}
            />
          ))}
          {consents.data.channels.flatMap((channel) =>
            channel.platform_stop_at
              ? [
                  <Note key={channel.channel} kind="warn" title={t("consent.platformStop")}>
                    <Moment at={channel.platform_stop_at} />
                  </Note>,
                ]
              : [],
          )}
          {consents.data.is_intact ? (
            <p className={c.hint}>
              <IconCircleCheck size={14} aria-hidden="true" className={c.inline} /> {t("consent.intact")}
            </p>
          ) : (
            <Note kind="danger" title={t("consent.broken")} />
          )}
        </div>
      )}
      {granting && <GrantDialog profileId={profileId} onClose={() => setGranting(false)} />}
      <Modal
        opened={proof !== null}
        onClose={() => setProof(null)}
        title={<b>{t("consent.evidence")}</b>}
        size="lg"
        closeButtonProps={{ "aria-label": t("ui.close") }}
      >
        {proof && <Evidence lines={proof} />}
      </Modal>
    </Card>
  );
}

function Scope({
  profileId,
  scope,
  write,
  onProof,
}: {
  profileId: string;
  scope: ScopeOut;
  write: boolean;
  onProof: () => void;
}) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const withdraw = useWriteConsent(profileId);
  const purpose = t(`purpose.${scope.purpose}`, { defaultValue: scope.purpose });
  const name = t("consent.scope", {
    purpose: scope.topic ? `${purpose}, ${scope.topic}` : purpose,
    channel: t(`channel.${scope.channel}`, { defaultValue: scope.channel }),
  });
  const Icon = scope.state === "granted" ? IconShieldCheck : IconShieldOff;
  return (
    <div className={c.scope} data-state={scope.state}>
      <Icon size={19} aria-hidden="true" />
      <div>
        <b>{name}</b>
        <div>
          <span className={c.scopeState} data-tone={TONE[scope.state]}>
            {t(`consent.state.${scope.state}`)}
          </span>{" "}
          {scope.since && (
            <small>
              <Moment at={scope.since} />
            </small>
          )}
        </div>
        <div className={c.scopeActions}>
          <button type="button" className={c.textButton} onClick={onProof}>
            {t("consent.seeProof")}
          </button>
          {write && scope.state === "granted" && (
            <button type="button" className={c.textButton} onClick={() => setAsking(true)}>
              {t("consent.withdraw")}
            </button>
          )}
        </div>
      </div>
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title={t("consent.withdrawTitle")}
        confirm={t("consent.withdraw")}
        danger
        busy={withdraw.isPending}
        onConfirm={() =>
          withdraw.mutate(
            {
              channel: scope.channel,
              purpose: scope.purpose,
              topic: scope.topic || null,
              state: "withdrawn",
              evidence: { data: { via: "console" } },
            },
            { onSuccess: () => setAsking(false) },
          )
        }
      >
        {t("consent.withdrawText", { name })}
        {withdraw.error && <ErrorState error={withdraw.error} />}
      </ConfirmDialog>
    </div>
  );
}
