"""The properties that Graph v1.0 knows of each entity the emulator serves, and what a caller gets of them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EntityType:
    """One entity type of the contract.

    `collections` are the properties that are never null, `default` what comes without `$select` (None: everything
    there is), `basic` all that a token with only a ReadBasic role gets (None: all but `withheld`), `on_request`
    what comes only when it is selected.
    """

    name: str
    properties: tuple[str, ...]
    collections: frozenset[str] = frozenset()
    default: frozenset[str] | None = None
    basic: frozenset[str] | None = None
    withheld: frozenset[str] = frozenset()
    on_request: frozenset[str] = frozenset()
    not_null: frozenset[str] = field(default=frozenset())
    """Properties that are neither a collection nor nullable: left out where there is no value."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


USER = EntityType(
    "user",
    _names(
        """id deletedDateTime aboutMe accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo birthday
        businessPhones city companyName consentProvidedForMinor country createdDateTime creationType
        customSecurityAttributes department deviceEnrollmentLimit displayName employeeHireDate employeeId
        employeeLeaveDateTime employeeOrgData employeeType externalUserState externalUserStateChangeDateTime
        faxNumber givenName hireDate identities identityParentId imAddresses interests isManagementRestricted
        isResourceAccount jobTitle lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates
        mail mailboxSettings mailNickname mobilePhone mySite officeLocation onPremisesDistinguishedName
        onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime
        onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled
        onPremisesUserPrincipalName otherMails passwordPolicies passwordProfile pastProjects postalCode
        preferredDataLocation preferredLanguage preferredName print provisionedPlans proxyAddresses responsibilities
        schools securityIdentifier serviceProvisioningErrors showInAddressList signInActivity
        signInSessionsValidFromDateTime skills state streetAddress surname usageLocation userPrincipalName userType"""
    ),
    collections=_words(
        """assignedLicenses assignedPlans businessPhones identities imAddresses interests licenseAssignmentStates
        onPremisesProvisioningErrors otherMails pastProjects provisionedPlans proxyAddresses responsibilities schools
        serviceProvisioningErrors skills"""
    ),
    default=_words(
        """businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage surname
        userPrincipalName"""
    ),
    basic=_words("displayName givenName id mail photo securityIdentifier surname userPrincipalName"),
    not_null=_words("birthday deviceEnrollmentLimit hireDate"),
)

GROUP = EntityType(
    "group",
    _names(
        """id deletedDateTime accessType allowExternalSenders assignedLabels assignedLicenses autoSubscribeNewMembers
        classification createdDateTime description displayName expirationDateTime groupTypes
        hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients infoCatalogs isArchived
        isAssignableToRole isFavorite isManagementRestricted isSubscribedByMail licenseProcessingState mail
        mailEnabled mailNickname membershipRule membershipRuleProcessingState onPremisesDomainName
        onPremisesExtensionAttributes onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesProvisioningErrors
        onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled organizationId
        preferredDataLocation preferredLanguage proxyAddresses renewedDateTime resourceBehaviorOptions
        resourceProvisioningOptions securityEnabled securityIdentifier serviceProvisioningErrors theme uniqueName
        unseenConversationsCount unseenCount unseenMessagesCount visibility welcomeMessageEnabled"""
    ),
    collections=_words(
        """assignedLabels assignedLicenses groupTypes infoCatalogs onPremisesProvisioningErrors proxyAddresses
        resourceBehaviorOptions resourceProvisioningOptions serviceProvisioningErrors"""
    ),
)

MESSAGE = EntityType(
    "message",
    _names(
        """id categories changeKey createdDateTime lastModifiedDateTime bccRecipients body bodyPreview ccRecipients
        conversationId conversationIndex flag from hasAttachments importance inferenceClassification
        internetMessageHeaders internetMessageId isDeliveryReceiptRequested isDraft isRead isReadReceiptRequested
        parentFolderId receivedDateTime replyTo sender sentDateTime subject toRecipients uniqueBody webLink"""
    ),
    collections=_words("categories bccRecipients ccRecipients internetMessageHeaders replyTo toRecipients"),
    withheld=_words("body bodyPreview uniqueBody"),
    on_request=_words("internetMessageHeaders uniqueBody"),
)

EVENT = EntityType(
    "event",
    _names(
        """id categories changeKey createdDateTime lastModifiedDateTime allowNewTimeProposals attendees body
        bodyPreview cancelledOccurrences end hasAttachments hideAttendees iCalUId importance isAllDay isCancelled
        isDraft isOnlineMeeting isOrganizer isReminderOn location locations onlineMeeting onlineMeetingProvider
        onlineMeetingUrl organizer originalEndTimeZone originalStart originalStartTimeZone recurrence
        reminderMinutesBeforeStart responseRequested responseStatus sensitivity seriesMasterId showAs start subject
        transactionId type webLink"""
    ),
    collections=_words("attendees cancelledOccurrences categories locations"),
    withheld=_words("body bodyPreview"),
    on_request=_words("cancelledOccurrences"),
)

MAIL_FOLDER = EntityType(
    "mailFolder",
    _names("id childFolderCount displayName isHidden parentFolderId totalItemCount unreadItemCount"),
)

CALENDAR = EntityType(
    "calendar",
    _names(
        """id allowedOnlineMeetingProviders canEdit canShare canViewPrivateItems changeKey color
        defaultOnlineMeetingProvider hexColor isDefaultCalendar isRemovable isTallyingResponses name owner"""
    ),
    collections=_words("allowedOnlineMeetingProviders"),
)

ORGANIZATION = EntityType(
    "organization",
    _names(
        """id deletedDateTime assignedPlans businessPhones city country countryLetterCode createdDateTime
        defaultUsageLocation displayName marketingNotificationEmails mobileDeviceManagementAuthority
        onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode preferredLanguage
        privacyProfile provisionedPlans securityComplianceNotificationMails securityComplianceNotificationPhones
        state street technicalNotificationMails tenantType verifiedDomains"""
    ),
    collections=_words(
        """assignedPlans businessPhones marketingNotificationEmails provisionedPlans
        securityComplianceNotificationMails securityComplianceNotificationPhones technicalNotificationMails
        verifiedDomains"""
    ),
    not_null=_words("mobileDeviceManagementAuthority"),
)

SUBSCRIBED_SKU = EntityType(
    "subscribedSku",
    _names(
        """id accountId accountName appliesTo capabilityStatus consumedUnits prepaidUnits servicePlans skuId
        skuPartNumber subscriptionIds"""
    ),
    collections=_words("servicePlans subscriptionIds"),
)

LICENSE_DETAILS = EntityType(
    "licenseDetails", _names("id servicePlans skuId skuPartNumber"), collections=_words("servicePlans")
)

SERVICE_PRINCIPAL = EntityType(
    "servicePrincipal",
    _names(
        """id deletedDateTime accountEnabled alternativeNames appDescription appDisplayName appId applicationTemplateId
        appOwnerOrganizationId appRoleAssignmentRequired appRoles createdByAppId description
        disabledByMicrosoftStatus displayName homepage isDisabled loginUrl logoutUrl notes
        notificationEmailAddresses oauth2PermissionScopes preferredSingleSignOnMode
        preferredTokenSigningKeyThumbprint replyUrls servicePrincipalNames servicePrincipalType signInAudience tags
        tokenEncryptionKeyId"""
    ),
    collections=_words(
        """alternativeNames appRoles notificationEmailAddresses oauth2PermissionScopes replyUrls servicePrincipalNames
        tags"""
    ),
    not_null=_words("appRoleAssignmentRequired"),
)

APP_ROLE_ASSIGNMENT = EntityType(
    "appRoleAssignment",
    _names(
        """id deletedDateTime appRoleId createdDateTime principalDisplayName principalId principalType
        resourceDisplayName resourceId"""
    ),
    not_null=_words("appRoleId"),
)

TYPES = (
    USER, GROUP, MESSAGE, EVENT, MAIL_FOLDER, CALENDAR, ORGANIZATION, SUBSCRIBED_SKU, LICENSE_DETAILS,
    SERVICE_PRINCIPAL, APP_ROLE_ASSIGNMENT,
)  # fmt: skip

PRIVATE = _words("subject body bodyPreview uniqueBody location locations attachments")
"""What the product never asks for: selecting one of these is a complaint."""
