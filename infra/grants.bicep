metadata description = 'Role assignments as text, for those who may not make them.'

@export()
@description('One role assignment, as it is made or has to be made by an administrator.')
type Grant = {
  who: string
  principalId: string
  principalType: string
  role: string
  scope: string
}

@export()
@description('What an administrator runs, in bash and in PowerShell.')
func asCommand(grant Grant, roleId string) string =>
  'az role assignment create --assignee-object-id ${grant.principalId} --assignee-principal-type ${grant.principalType} --role ${roleId} --scope ${grant.scope} # ${grant.role} for ${grant.who}'
