"""Accounts: who may ask, what they may see, and the tokens that they ask with.

`add_user`, `users`, `set_password`, `set_role`, `disable` and `enable` keep people; `make_token` gives a script a
token of its own, `sign_in` and `renew` a pair that ends soon. `holder_of` says whose a token is, as the state store
knows it at that moment, so that a disabled user is refused at once. Passwords are kept as scrypt hashes and tokens as
hashes. `may` is what a role may do, `role_of` whose it is.
"""

from pipelines.accounts.attempts import WaitError
from pipelines.accounts.roles import ROLES, Permission, may
from pipelines.accounts.sign_in import WrongPasswordError, renew, sign_in
from pipelines.accounts.tokens import ACCESS, API_DAYS, REFRESH, Holder, Pair, holder_of, make_token, revoke_token
from pipelines.accounts.users import User, add_user, disable, enable, role_of, set_password, set_role, users

__all__ = [
    "ACCESS",
    "API_DAYS",
    "REFRESH",
    "ROLES",
    "Holder",
    "Pair",
    "Permission",
    "User",
    "WaitError",
    "WrongPasswordError",
    "add_user",
    "disable",
    "enable",
    "holder_of",
    "make_token",
    "may",
    "renew",
    "revoke_token",
    "role_of",
    "set_password",
    "set_role",
    "sign_in",
    "users",
]
