"""The part of a drill's report that is about a merge: what each side wrote alone, and what that brought."""

from typing import Any

from bongsu.drill.check import percentile
from bongsu.drill.merge import Merge

# As in `report.ROWS`.
ROWS: tuple[tuple[str, str, str, str], ...] = (
    (
        "hours_of_talk",
        "양쪽에서 이어진 대화 (시간, 타임랩스)",
        "hours of talk on each side, in time-lapse",
        "",
    ),
    ("talk_messages", "그 시간의 메시지", "messages of those hours", ""),
    ("written_alone", "끊긴 동안 각자 쓴 메시지", "written by each side alone", ""),
    ("acts", "그동안의 차단, 권한, 가입, 삭제, 수정", "bans, levels, joins, redactions, edits meanwhile", ""),
    (
        "merged_after_s",
        "회선이 돌아온 뒤 다 합쳐진 때 (초)",
        "all merged after the wires were back (s)",
        "≤ 60",
    ),
    ("fresh_wait_p50_s", "그동안 새 메시지의 기다림 p50 (초)", "new messages' wait meanwhile, p50 (s)", ""),
    ("fresh_wait_p99_s", "그동안 새 메시지의 기다림 p99 (초)", "new messages' wait meanwhile, p99 (s)", ""),
    ("unread", "합친 뒤 안 읽은 글 (알린 수/실제)", "unread after the merge (told/true)", "="),
    ("otherwise", "있어야 할 것과 다른 것", "otherwise than it must be", "0"),
)


def figures(merge: Merge) -> dict[str, Any]:
    """What was measured, as `report.figures` has it."""
    return {
        "hours_of_talk": merge.hours,
        "talk_an_hour": merge.per_hour,
        "talk_s": merge.talk_s,
        "talk_messages": merge.talk,
        "written_alone": merge.alone,
        "acts": merge.acts,
        "merged_after_s": merge.merged_s,
        "fresh_messages_shown": len(merge.fresh_s),
        "fresh_wait_p50_s": percentile(merge.fresh_s, 0.50),
        "fresh_wait_p99_s": percentile(merge.fresh_s, 0.99),
        "unread": {side: f"{told}/{true}" for side, (told, true) in merge.unread.items()},
        "otherwise": len(merge.wrong),
    }


def words(merge: Merge) -> tuple[str, str]:
    """What time-lapse means, in Korean and English."""
    hours, an_hour, seconds = merge.hours, merge.per_hour, f"{merge.talk_s:.0f}"
    return (
        f"타임랩스: 중앙과 거점마다 {hours}시간 동안 나눌 대화(방마다 한 시간에 {an_hour}개)를 {seconds}초에"
        " 보냈습니다. 서버에 API로 보낸 진짜 요청이고, 시계만 그만큼 흐르지 않았습니다.",
        f"Time-lapse: what the core and each hub say in {hours} hours ({an_hour} messages an hour in each"
        f" room) was sent within {seconds} s. The requests to the servers' API are real; only their clocks"
        " did not go on for so long.",
    )
