"""The columns of the output table as semantics §6 lists them, for tests that hold code against the text."""

from __future__ import annotations

COLUMNS = [
    "PrimaryKey",
    "CustomerId",
    "EngagementScore",
    "NoOfEmails_ToAccount",
    "NoOfEmails_FromAccount",
    "NoOfMeetings_FromAccount",
    "NoOfMeetings_ToAccount",
    "NoOfContactsInvolved_Meetings",
    "NoOfContactsInvolved_Emails",
    "NoOfAccountContactsInvolved_Meetings",
    "NoOfAccountContactsInvolved_Emails",
    "EngagementStartDate",
    "DaysSinceLastEmail",
    "DaysSinceLastMeeting",
    "AverageDuration_Of_Meetings",
    "AverageDuration_Of_AccountEmailReplies",
    "AggregationStartDate",
    "AggregationLevel",
]
